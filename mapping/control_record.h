#pragma once
#include <string>

#include "core/base/clock.h"
#include "core/base/table_schema.h"
#include "core/settings/kafka_settings.h"
#include "core/task/planner.h"
#include "mapping/lob_columns.h"
#include "mapping/message_layout.h"

namespace dmskafka {

/// Writes the control records of one table (wire-format.md §4). They are rare, so nothing is prepared.
/// Immutable; any thread.
class ControlRecord {
 public:
  struct Options {
    TableName shown_name;  ///< schema-name and table-name
    std::string task_id;
    LobColumns lobs = LobColumns::kSent;
    Dialect dialect = Dialect::kDms;
  };
  ControlRecord(const KafkaSettings& settings, Options options);

  /// Writes key and value into the cleared `out`. `old_schema`: the table before an ALTER, else null.
  void encode(ControlOperation operation, const TableSchema& schema, const TableSchema* old_schema,
              WallTime now, EncodedMessage& out) const;

 private:
  std::string control(ControlOperation operation, const TableSchema& schema,
                      const TableSchema* old_schema) const;
  std::string metadata(ControlOperation operation, WallTime now) const;
  std::string table_definition(const TableSchema& schema) const;
  std::string column_definition(const ColumnSchema& column) const;
  std::string name_list(const std::vector<std::string_view>& names) const;

  const MessageLayout layout_;
  const bool details_;
  const bool partition_value_;
  const Options options_;
  const std::string key_;
};

}  // namespace dmskafka
