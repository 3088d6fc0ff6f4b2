#pragma once
#include <string>
#include <string_view>

#include "core/base/clock.h"
#include "core/base/table_schema.h"
#include "core/settings/kafka_settings.h"
#include "core/settings/task_settings.h"
#include "core/task/planner.h"
#include "core/task/schema_difference.h"
#include "mapping/message_layout.h"

namespace dmskafka {

/// Writes the control records of one table (wire-format.md §4). They are rare, so nothing is prepared. Schemas are those
/// that messages show. Immutable; any thread.
class ControlRecord {
 public:
  struct Options {
    TableName shown_name;  ///< schema-name and table-name
    std::string task_id;
    Dialect dialect = Dialect::kDms;
  };
  ControlRecord(const KafkaSettings& settings, Options options);

  /// Writes key and value into the cleared `out`: of a table that came, went or was truncated.
  void encode(ControlOperation operation, const TableSchema& schema, WallTime now, EncodedMessage& out) const;
  /// The same of a step of an ALTER, whose record stands under the name after it.
  void encode(const SchemaStep& step, WallTime now, EncodedMessage& out) const;

 private:
  void encode(ControlOperation operation, const std::string& control, WallTime now,
              EncodedMessage& out) const;
  std::string alteration(const SchemaStep& step) const;
  std::string metadata(ControlOperation operation, WallTime now) const;
  std::string table_definition(const TableSchema& schema) const;
  std::string column_definition(const ColumnSchema& column) const;
  template <typename Names>
  std::string name_list(const Names& names) const;

  const MessageLayout layout_;
  const bool details_;
  const bool partition_value_;
  const Options options_;
  const std::string key_;
};

/// A control record about the task itself, with the key TaskId. `operation`: "task-start", "task-resume".
TaskMessage task_control_record(std::string_view operation, const KafkaSettings& settings,
                                const std::string& task_id, WallTime now);

}  // namespace dmskafka
