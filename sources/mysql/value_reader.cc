#include "sources/mysql/value_reader.h"

#include <charconv>
#include <cstring>

#include "sources/mysql/canonical_text.h"
#include "sources/mysql/column_types.h"
#include "sources/mysql/identifier.h"

namespace dmskafka::mysql {
namespace {

/// The server printed a float's exact value as a double.
std::size_t write_float4(std::string_view text, char* out) noexcept {
  double exact = 0;
  std::from_chars(text.data(), text.data() + text.size(), exact);
  return static_cast<std::size_t>(print_float4(static_cast<float>(exact), out) - out);
}

}  // namespace

std::string select_expression(const ColumnSchema& column) {
  const std::string name = quote_identifier(column.name);
  const bool digits_fixed =
      column.value_kind == ValueKind::kFloat8 && column.source_type.find('(') != std::string::npos;
  // Not + 0E0, which takes the sign of a zero.
  return column.value_kind == ValueKind::kFloat4 || digits_fixed ? name + " * 1E0" : name;
}

ValueReader::ValueReader(const TableSchema& table) : table_(table) {
  for (const ColumnSchema& column : table.columns) forms_.push_back(form_of(column));
}

ValueReader::Form ValueReader::form_of(const ColumnSchema& column) {
  if (column.value_kind == ValueKind::kHexBytes) return Form::kBytes;
  if (column.value_kind == ValueKind::kFloat4) return Form::kFloat4;
  if (column.value_kind == ValueKind::kBoolean) return Form::kBit;
  return is_zerofill(column.source_type) ? Form::kUnpadded : Form::kText;
}

void ValueReader::add_row(const char* const* values, const unsigned long* lengths, ChangeBatch& batch) const {
  const std::size_t count = forms_.size();
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < count; ++i) {
    bytes += forms_[i] == Form::kFloat4 ? kFloatTextSizeMax : lengths[i];
  }
  const std::span<Value> row = batch.allocate_values(count);
  char* memory = batch.allocate_bytes(bytes);
  for (std::size_t i = 0; i < count; ++i) {
    if (values[i] == nullptr) {
      row[i] = Value::null();
      continue;
    }
    std::string_view text(values[i], lengths[i]);
    ValueForm form = ValueForm::kText;
    switch (forms_[i]) {
      case Form::kText: break;
      case Form::kBytes: form = ValueForm::kBytes; break;
      case Form::kUnpadded: text = without_padding(text); break;
      case Form::kBit: text = text.empty() || text.back() == '\0' ? "0" : "1"; break;
      case Form::kFloat4: {
        const std::size_t size = write_float4(text, memory);
        row[i] = Value(form, memory, static_cast<std::uint32_t>(size));
        memory += size;
        continue;
      }
    }
    std::memcpy(memory, text.data(), text.size());
    row[i] = Value(form, memory, static_cast<std::uint32_t>(text.size()));
    memory += text.size();
  }
  Change& change = batch.add();
  change.operation = Operation::kLoad;
  change.table = &table_;
  change.after = row;
}

}  // namespace dmskafka::mysql
