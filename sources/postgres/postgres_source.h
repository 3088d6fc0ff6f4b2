#pragma once
#include <cstdint>
#include <memory>
#include <stop_token>

#include "core/settings/source_settings.h"
#include "core/task/source.h"

namespace dmskafka {

/// Connects. Errors: kSourceUnavailable (host, port, not accepting), kSourceRejected (password, database, role, TLS).
Result<std::unique_ptr<Source>> open_postgres_source(const SourceSettings& settings,
                                                     std::uint32_t connections_max, bool lock_tables,
                                                     std::stop_token stop);

}  // namespace dmskafka
