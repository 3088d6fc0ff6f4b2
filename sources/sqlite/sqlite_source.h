#pragma once
#include <memory>

#include "core/settings/source_settings.h"
#include "core/task/source.h"

namespace dmskafka {

/// Opens an existing database file. Errors: kSourceRejected (no such file, not a database, not readable).
Result<std::unique_ptr<Source>> open_sqlite_source(const SourceSettings& settings);

}  // namespace dmskafka
