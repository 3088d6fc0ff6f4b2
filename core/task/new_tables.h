#pragma once
#include <chrono>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/base/table_schema.h"
#include "core/task/cdc.h"

namespace dmskafka {

/// Tables that came into the source while its log is followed, which the rules select and this run does not follow. Each is
/// told once, by name: nobody shall take the topic for complete. Thread: the task's.
class NewTables {
 public:
  /// `followed`: as the source describes them now. References outlive it.
  NewTables(const CdcTask& task, const std::vector<std::shared_ptr<const TableSchema>>& followed);

  /// Asks the source's catalogue, if it is time. A source that does not answer is told once, and asked
  /// again.
  void look(std::chrono::steady_clock::time_point now);

 private:
  Result<void> ask();

  const CdcTask& task_;
  std::set<TableName> known_;
  std::set<std::string> handles_;  // a table that has another name now is not new
  std::chrono::steady_clock::time_point next_;
  bool failed_ = false;  // when it was last asked
};

}  // namespace dmskafka
