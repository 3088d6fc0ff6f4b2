#include "sources/postgres/log_for_test.h"

#include <stdexcept>
#include <utility>

#include "sources/postgres/postgres_source.h"

namespace dmskafka::postgres {
namespace {

std::unique_ptr<Source> open(const SourceSettings& settings) {
  auto source = open_postgres_source(settings, {.connections_max = 4}, {});
  if (!source) throw std::runtime_error(source.error().to_string());
  return std::move(source).value();
}

}  // namespace

FollowedLog::FollowedLog(const TestDatabase& database, const std::vector<TableName>& table_names,
                         const std::string& task_id)
    : FollowedLog(database.settings(), table_names, task_id) {}

FollowedLog::FollowedLog(const SourceSettings& settings, const std::vector<TableName>& table_names,
                         const std::string& task_id)
    : testing::FollowedLog(postgres::open(settings), table_names, task_id) {}

}  // namespace dmskafka::postgres
