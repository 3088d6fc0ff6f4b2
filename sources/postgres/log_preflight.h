#pragma once
#include <memory>
#include <span>
#include <stop_token>
#include <vector>

#include "core/settings/source_settings.h"
#include "core/task/change_log.h"
#include "sources/postgres/connection.h"
#include "sources/postgres/task_objects.h"

namespace dmskafka::postgres {

/// Everything that stands in the way of following `tables`, all at once, each with the statement that repairs it.
/// Errors: query_error(), kCancelled.
Result<std::vector<PreflightFinding>> check_log(Connection& connection,
                                                const std::shared_ptr<const SourceSettings>& settings,
                                                const TaskObjects& objects,
                                                std::span<const TableSchema* const> tables,
                                                const std::stop_token& stop);

}  // namespace dmskafka::postgres
