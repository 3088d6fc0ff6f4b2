#pragma once
#include <memory>
#include <string>

#include "core/settings/source_settings.h"
#include "core/task/source.h"

namespace dmskafka {

/// Opens an existing database file. `copy_path`: where a file whose writers would have to wait (one with a rollback journal)
/// may be copied to while it is loaded; "": it is read itself. Errors: kSourceRejected (no such file, not a database, not
/// readable).
Result<std::unique_ptr<Source>> open_sqlite_source(const SourceSettings& settings,
                                                   const std::string& copy_path = "");

}  // namespace dmskafka
