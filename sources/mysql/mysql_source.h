#pragma once
#include <cstdint>
#include <memory>
#include <stop_token>

#include "core/settings/source_settings.h"
#include "core/task/source.h"

namespace dmskafka {

/// Connects to MySQL or MariaDB, whichever answers. `connections_max` bounds the sessions of the source at any time (at least
/// 2); `lock_tables`: each table's metadata lock is taken when the snapshot is. `stop` ends the calls that bring none.
/// Errors: kSourceUnavailable, kSourceRejected, kInvalidSettings, kCancelled.
Result<std::unique_ptr<Source>> open_mysql_source(const SourceSettings& settings,
                                                  std::uint32_t connections_max, bool lock_tables,
                                                  std::stop_token stop);

}  // namespace dmskafka
