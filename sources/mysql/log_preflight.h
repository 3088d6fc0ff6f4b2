#pragma once
#include <memory>
#include <span>
#include <stop_token>
#include <vector>

#include "core/task/change_log.h"
#include "sources/mysql/connection.h"
#include "sources/mysql/replica_session.h"

namespace dmskafka::mysql {

/// Everything that following the binary log needs and does not find, each with the statement that mends it.
Result<std::vector<PreflightFinding>> check_log(Connection& connection,
                                                const std::shared_ptr<const SourceSettings>& settings,
                                                ReplicaWish wish, std::span<const TableSchema* const> tables,
                                                bool allow_partial_images, const std::stop_token& stop);

}  // namespace dmskafka::mysql
