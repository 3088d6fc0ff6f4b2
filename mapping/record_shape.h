#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/table_schema.h"
#include "mapping/before_image.h"
#include "mapping/partition_key.h"
#include "mapping/row_text.h"
#include "mapping/value_text.h"

namespace dmskafka {

/// What the data records of one table hold: the result of the table's rules, before any row.
struct RecordShape {
  /// A column that is shown; left out when its value is (IncludeNullAndEmpty).
  struct Column {
    std::uint32_t slot;  ///< of its value in the row
    std::string name;
    ValueFormat format;
    std::optional<OldValue> old = {};  ///< set: it is the value before an update, and shown of updates alone
  };
  /// A member that an object-mapping rule puts together; always there.
  struct Attribute {
    std::string name;
    RowText json;
  };

  TableName shown_name;  ///< schema-name and table-name
  PartitionKey load_key;
  PartitionKey change_key;
  std::vector<Column> columns = {};
  std::vector<Attribute> attributes = {};
  /// BeforeImageSettings: a member beside `data`; its slots are those of the old row.
  struct BeforeImage {
    std::string name;
    std::vector<Column> columns;
  };
  std::optional<BeforeImage> before = {};
  std::vector<std::uint32_t> key_slots = {};  ///< tell whether an update changed the key
  bool document = false;                      ///< map-record-to-document: the columns stand inside `_doc`
};

}  // namespace dmskafka
