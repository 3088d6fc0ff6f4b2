#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "core/base/change.h"
#include "core/base/table_schema.h"

namespace dmskafka::mysql {

/// The expression that a SELECT takes a column by: its name, except where the server's text would lose digits of a FLOAT, or
/// have those of a DOUBLE(M,D).
std::string select_expression(const ColumnSchema& column);

/// Turns rows of the text protocol into values of canonical_text.h. Constant after construction.
class ValueReader {
 public:
  explicit ValueReader(const TableSchema& table);
  /// Adds the row to `batch`, with one value for each column of the table. `values` has a null pointer for NULL.
  void add_row(const char* const* values, const unsigned long* lengths, ChangeBatch& batch) const;

 private:
  enum class Form : std::uint8_t { kText, kBytes, kUnpadded, kFloat4, kBit };
  static Form form_of(const ColumnSchema& column);

  const TableSchema& table_;
  std::vector<Form> forms_;
};

}  // namespace dmskafka::mysql
