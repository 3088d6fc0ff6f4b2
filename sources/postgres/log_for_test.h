#pragma once
#include <string>
#include <vector>

#include "sources/postgres/test_database.h"
#include "test/support/followed_log.h"

namespace dmskafka::postgres {

using testing::describe_change;
using testing::describe_event;

/// The log of a test's database.
class FollowedLog final : public testing::FollowedLog {
 public:
  FollowedLog(const TestDatabase& database, const std::vector<TableName>& names,
              const std::string& task_id = "TESTTASK");
  FollowedLog(const SourceSettings& settings, const std::vector<TableName>& names,
              const std::string& task_id = "TESTTASK");
};

}  // namespace dmskafka::postgres
