#include "mapping/partition_key.h"

#include <cstring>

namespace dmskafka {

namespace {

// The character behind `\` in a string of ours, for the escapes json_writer.h writes; the text after `u00` is hex.
char unescape_one(const char*& at) noexcept {
  const auto hex_digit = [](char c) { return static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10); };
  const char escape = *at++;
  switch (escape) {
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case 'u': {
      const unsigned code = hex_digit(at[2]) * 16U + hex_digit(at[3]);
      at += 4;
      return static_cast<char>(code);
    }
    default: return escape;  // '"' and '\\'
  }
}

// Turns the JSON value that begins at `begin` of `key` into its text, in place: a string loses quotes and escapes.
void strip_json(ByteBuffer& key, std::size_t begin) noexcept {
  char* const value = key.data() + begin;
  std::size_t size = key.size() - begin;
  if (std::string_view(value, size) == "null") return key.truncate(begin);  // a string would have quotes
  if (size < 2 || value[0] != '"') return;
  size -= 2;
  std::memmove(value, value + 1, size);
  if (std::memchr(value, '\\', size) == nullptr) return key.truncate(begin + size);
  char* out = value;
  for (const char* at = value; at < value + size;) {
    const char c = *at++;
    *out++ = c == '\\' ? unescape_one(at) : c;
  }
  key.truncate(begin + static_cast<std::size_t>(out - value));
}

}  // namespace

std::string_view partition_key_type_name(PartitionKeyType type) noexcept {
  switch (type) {
    case PartitionKeyType::kPrimaryKey: return "primary-key";
    case PartitionKeyType::kSchemaTable: return "schema-table";
  }
  return "";
}

PartitionKey::PartitionKey(PartitionKeyType wanted, const TableSchema& schema, const TableName& shown_name,
                           const KafkaSettings& settings, const ValueSettings& values,
                           std::string_view table_prefix)
    : type_(schema.has_primary_key() ? wanted : PartitionKeyType::kSchemaTable) {
  if (type_ == PartitionKeyType::kSchemaTable) {
    prefix_ = std::string(table_prefix) + shown_name.schema + "." + shown_name.table;
    return;
  }
  if (settings.partition_include_schema_table) prefix_ = shown_name.schema + "." + shown_name.table + ".";
  for (const std::uint32_t index : schema.primary_key) {
    ValueFormat format = ValueFormat::of(schema.columns[index], values);
    format.lob_bytes_max = 0;  // cut keys would make different rows look alike
    columns_.push_back({index, format});
  }
}

void PartitionKey::append(RowView row, ByteBuffer& key) const {
  key.append(prefix_);
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (i != 0) key.append('.');
    const Value& value = row[columns_[i].index];
    if (!value.is_known() || value.is_null()) continue;
    const std::size_t begin = key.size();
    append_value(columns_[i].format, value, key);
    strip_json(key, begin);
  }
}

}  // namespace dmskafka
