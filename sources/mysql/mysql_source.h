#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>

#include "core/settings/source_settings.h"
#include "core/task/source.h"

namespace dmskafka {

/// What is done with changes that do not have all columns of their row (binlog_row_image is not FULL): they end the task, or what
/// is not known is left out.
enum class PartialImages : std::uint8_t { kRefuse, kTake };

struct MysqlLogOptions {
  PartialImages partial_images = PartialImages::kRefuse;
  std::optional<std::uint32_t> server_id = {};  ///< ours among the replicas; nullopt: made from the task's id
};

/// Connects to MySQL or MariaDB, whichever answers. `connections_max` bounds the sessions of the source at any time (at least
/// 2); `lock_tables`: each table's metadata lock is taken when the snapshot is. `stop` ends the calls that bring none.
/// Errors: kSourceUnavailable, kSourceRejected, kInvalidSettings, kCancelled.
Result<std::unique_ptr<Source>> open_mysql_source(const SourceSettings& settings,
                                                  std::uint32_t connections_max, bool lock_tables,
                                                  std::stop_token stop, MysqlLogOptions log_options = {});

}  // namespace dmskafka
