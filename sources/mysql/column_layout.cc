#include "sources/mysql/column_layout.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "sources/mysql/charset.h"

namespace dmskafka::mysql {
namespace {

struct FixedLayout {
  std::string_view word;
  BinlogType type;
  std::uint32_t meta = 0;
};

constexpr auto kFixedLayouts = std::to_array<FixedLayout>({
    {"tinyint", BinlogType::kTiny},
    {"smallint", BinlogType::kShort},
    {"mediumint", BinlogType::kInt24},
    {"int", BinlogType::kLong},
    {"bigint", BinlogType::kLongLong},
    {"float", BinlogType::kFloat, 4},
    {"double", BinlogType::kDouble, 8},
    {"year", BinlogType::kYear},
    {"date", BinlogType::kDate},
    {"tinytext", BinlogType::kBlob, 1},
    {"tinyblob", BinlogType::kBlob, 1},
    {"text", BinlogType::kBlob, 2},
    {"blob", BinlogType::kBlob, 2},
    {"mediumtext", BinlogType::kBlob, 3},
    {"mediumblob", BinlogType::kBlob, 3},
    {"longtext", BinlogType::kBlob, 4},
    {"longblob", BinlogType::kBlob, 4},
    {"json", BinlogType::kJson, 4},
    {"geometry", BinlogType::kGeometry, 4},
    {"point", BinlogType::kGeometry, 4},
    {"linestring", BinlogType::kGeometry, 4},
    {"polygon", BinlogType::kGeometry, 4},
    {"multipoint", BinlogType::kGeometry, 4},
    {"multilinestring", BinlogType::kGeometry, 4},
    {"multipolygon", BinlogType::kGeometry, 4},
    {"geometrycollection", BinlogType::kGeometry, 4},
    {"geomcollection", BinlogType::kGeometry, 4},
    {"uuid", BinlogType::kString, 16},
    {"inet6", BinlogType::kString, 16},
    {"inet4", BinlogType::kString, 4},
});

/// The numbers in the parentheses of "decimal(12,2)".
std::vector<std::uint32_t> arguments(std::string_view column_type) {
  std::vector<std::uint32_t> numbers;
  const std::size_t open = column_type.find('(');
  if (open == std::string_view::npos) return numbers;
  const char* at = column_type.data() + open + 1;
  const char* const end = column_type.data() + column_type.size();
  while (at < end) {
    std::uint32_t number = 0;
    const auto parsed = std::from_chars(at, end, number);
    if (parsed.ec != std::errc()) break;
    numbers.push_back(number);
    at = parsed.ptr;
    if (at == end || *at != ',') break;
    ++at;
  }
  return numbers;
}

std::uint32_t set_bytes(std::size_t labels) noexcept {
  const auto bytes = static_cast<std::uint32_t>((labels + 7) / 8);
  return bytes > 4 ? 8 : bytes;
}

bool is_compressed(std::string_view column_type) noexcept {
  return column_type.find("COMPRESSED*/") != std::string_view::npos;
}

MappedColumn layout(BinlogType type, std::uint32_t meta = 0) {
  MappedColumn column;
  column.type = type;
  column.meta = meta;
  return column;
}

std::optional<MappedColumn> layout_with_arguments(std::string_view word, const ColumnSchema& declared) {
  const std::vector<std::uint32_t> numbers = arguments(declared.source_type);
  const std::uint32_t first = numbers.empty() ? 0 : numbers[0];
  if (word == "decimal")
    return layout(BinlogType::kNewDecimal, first << 8U | (numbers.size() > 1 ? numbers[1] : 0));
  if (word == "time") return layout(BinlogType::kTime2, first);
  if (word == "datetime") return layout(BinlogType::kDatetime2, first);
  if (word == "timestamp") return layout(BinlogType::kTimestamp2, first);
  if (word == "bit") return layout(BinlogType::kBit, first == 0 ? 1 : first);
  const std::uint32_t width = character_bytes_max(charset_of_collation_name(declared.collation));
  if (word == "char") return layout(BinlogType::kString, first * width);
  if (word == "binary") return layout(BinlogType::kString, first);
  if (word == "varchar") return layout(BinlogType::kVarchar, first * width);
  if (word == "varbinary") return layout(BinlogType::kVarchar, first);
  if (word == "vector") return layout(BinlogType::kVector, 4);
  if (word == "enum") {
    return layout(BinlogType::kEnum, declared_labels(declared.source_type).size() < 256 ? 1 : 2);
  }
  if (word == "set") return layout(BinlogType::kSet, set_bytes(declared_labels(declared.source_type).size()));
  return std::nullopt;
}

/// Tables that are older than the server keep the forms of times that were usual then.
BinlogType modern(BinlogType type) noexcept {
  switch (type) {
    case BinlogType::kTime: return BinlogType::kTime2;
    case BinlogType::kDatetime: return BinlogType::kDatetime2;
    case BinlogType::kTimestamp: return BinlogType::kTimestamp2;
    case BinlogType::kNewDate: return BinlogType::kDate;
    case BinlogType::kVarString: return BinlogType::kVarchar;
    default: return type;
  }
}

std::string blob_word(std::uint32_t length_bytes, bool text) {
  constexpr std::array<std::string_view, 5> kSizes = {"", "tiny", "", "medium", "long"};
  return fmt::format("{}{}", kSizes[std::min<std::size_t>(length_bytes, 4)], text ? "text" : "blob");
}

std::string geometry_word(std::uint32_t type) {
  constexpr std::array<std::string_view, 8> kWords = {"geometry",     "point",         "linestring",
                                                      "polygon",      "multipoint",    "multilinestring",
                                                      "multipolygon", "geomcollection"};
  return std::string(kWords[type < kWords.size() ? type : 0]);
}

std::string labels_text(std::string_view word, const MappedColumn& logged) {
  std::string text = fmt::format("{}(", word);
  for (const std::string& label : logged.labels) {
    if (text.back() != '(') text += ',';
    text += '\'';
    for (const char c : label) {
      text += c;
      if (c == '\'' || c == '\\') text += c;
    }
    text += '\'';
  }
  return text + ")";
}

void set_fraction(ColumnType& type, std::string_view word, std::uint32_t digits) {
  type.data_type = word;
  type.column_type = digits == 0 ? std::string(word) : fmt::format("{}({})", word, digits);
  type.fraction_digits = digits;
}

void set_characters(ColumnType& type, std::string_view word, std::uint32_t length) {
  type.data_type = word;
  type.column_type = fmt::format("{}({})", word, length);
  type.length = length;
}

void set_number(ColumnType& type, std::string_view word, const MappedColumn& logged) {
  type.data_type = word;
  type.column_type = fmt::format("{}{}", word, logged.is_unsigned.value_or(false) ? " unsigned" : "");
}

}  // namespace

std::uint32_t character_bytes_max(std::string_view charset) noexcept {
  for (const std::string_view four : {"utf8mb4", "utf16", "utf16le", "utf32", "gb18030"}) {
    if (charset == four) return 4;
  }
  for (const std::string_view three : {"utf8mb3", "utf8", "ujis", "eucjpms"}) {
    if (charset == three) return 3;
  }
  for (const std::string_view two : {"ucs2", "big5", "sjis", "cp932", "gbk", "gb2312", "euckr"}) {
    if (charset == two) return 2;
  }
  return 1;
}

std::string default_collation(std::string_view charset) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 14> kSpecial = {
      {{"latin1", "swedish"},
       {"latin5", "turkish"},
       {"big5", "chinese"},
       {"dec8", "swedish"},
       {"hp8", "english"},
       {"swe7", "swedish"},
       {"ujis", "japanese"},
       {"sjis", "japanese"},
       {"tis620", "thai"},
       {"euckr", "korean"},
       {"gb2312", "chinese"},
       {"gbk", "chinese"},
       {"gb18030", "chinese"},
       {"cp932", "japanese"}}};
  if (charset == "binary" || charset.empty()) return std::string(charset);
  const auto* const special =
      std::ranges::find(kSpecial, charset, &std::pair<std::string_view, std::string_view>::first);
  return fmt::format("{}_{}_ci", charset, special != kSpecial.end() ? special->second : "general");
}

std::vector<std::string> declared_labels(std::string_view column_type) {
  std::vector<std::string> labels;
  std::size_t at = std::min(column_type.find('('), column_type.size());
  while (at + 1 < column_type.size() && column_type[at + 1] == '\'') {
    std::string& label = labels.emplace_back();
    for (at += 2; at < column_type.size(); ++at) {
      char c = column_type[at];
      if (c == '\'') {
        if (at + 1 >= column_type.size() || column_type[at + 1] != '\'') break;
        ++at;
      } else if (c == '\\' && at + 1 < column_type.size()) {
        c = column_type[++at];
        c = c == '0' ? '\0' : c == 'n' ? '\n' : c == 'r' ? '\r' : c;
      }
      label += c;
    }
    ++at;  // the comma
  }
  return labels;
}

Result<void> labels_to_utf8(TableMap& map) {
  for (MappedColumn& column : map.columns) {
    if (column.labels.empty() || !column.collation || *column.collation == kBinaryCollation) continue;
    DMSKAFKA_ASSIGN(const auto converter, CharsetConverter::make(charset_of_collation(*column.collation)));
    if (converter->is_utf8()) continue;
    for (std::string& label : column.labels) label = converter->to_utf8(label);
  }
  return {};
}

std::optional<MappedColumn> expected_layout(const ColumnSchema& declared) {
  const std::string_view word = type_word(declared.source_type);
  std::optional<MappedColumn> found;
  const auto* const fixed = std::ranges::find(kFixedLayouts, word, &FixedLayout::word);
  found =
      fixed != kFixedLayouts.end() ? layout(fixed->type, fixed->meta) : layout_with_arguments(word, declared);
  if (found && is_compressed(declared.source_type)) {
    if (found->type == BinlogType::kVarchar) found->type = BinlogType::kVarcharCompressed;
    if (found->type == BinlogType::kBlob) found->type = BinlogType::kBlobCompressed;
  }
  return found;
}

bool fits(const MappedColumn& logged, const ColumnSchema& declared) {
  const auto expected = expected_layout(declared);
  if (!expected) return true;
  if (modern(logged.type) != expected->type) {
    // MariaDB keeps VECTOR in a VARBINARY, MySQL in a type of its own.
    return expected->type == BinlogType::kVector && logged.type == BinlogType::kVarchar;
  }
  const bool old_form = modern(logged.type) != logged.type;
  // A compressed VARCHAR has a byte more, for its header.
  const bool any_size = expected->type == BinlogType::kVarcharCompressed;
  if (!old_form && !any_size && logged.meta != expected->meta) return false;
  if (logged.is_unsigned && is_numeric(logged.type) && logged.type != BinlogType::kYear &&
      *logged.is_unsigned != (is_unsigned(declared.source_type) || is_zerofill(declared.source_type))) {
    return false;
  }
  if (logged.collation && !declared.collation.empty()) {
    const std::string_view charset = charset_of_collation(*logged.collation);
    return charset.empty() || charset == charset_of_collation_name(declared.collation);
  }
  // Text where bytes are declared, or the other way round.
  const bool sized = expected->type == BinlogType::kVarchar || expected->type == BinlogType::kBlob;
  return !sized || !logged.collation || (*logged.collation == kBinaryCollation) == declared.collation.empty();
}

ColumnType derived_type(const MappedColumn& logged) {
  ColumnType type;
  const bool text = logged.collation && *logged.collation != kBinaryCollation;
  const std::string_view charset = text ? charset_of_collation(*logged.collation) : std::string_view();
  if (text) type.collation = default_collation(charset);
  const std::uint32_t width = character_bytes_max(charset);
  const std::uint32_t meta = logged.meta;
  switch (modern(logged.type)) {
    case BinlogType::kTiny: set_number(type, "tinyint", logged); break;
    case BinlogType::kShort: set_number(type, "smallint", logged); break;
    case BinlogType::kInt24: set_number(type, "mediumint", logged); break;
    case BinlogType::kLong: set_number(type, "int", logged); break;
    case BinlogType::kLongLong: set_number(type, "bigint", logged); break;
    case BinlogType::kFloat: set_number(type, "float", logged); break;
    case BinlogType::kDouble: set_number(type, "double", logged); break;
    case BinlogType::kNewDecimal:
      set_number(type, fmt::format("decimal({},{})", meta >> 8U, meta & 0xFFU), logged);
      type.data_type = "decimal";
      type.precision = meta >> 8U;
      type.scale = meta & 0xFFU;
      break;
    case BinlogType::kYear: type.data_type = type.column_type = "year"; break;
    case BinlogType::kDate: type.data_type = type.column_type = "date"; break;
    case BinlogType::kTime2: set_fraction(type, "time", meta); break;
    case BinlogType::kDatetime2: set_fraction(type, "datetime", meta); break;
    case BinlogType::kTimestamp2: set_fraction(type, "timestamp", meta); break;
    case BinlogType::kBit:
      type.data_type = "bit";
      type.column_type = fmt::format("bit({})", meta);
      type.precision = meta;
      break;
    case BinlogType::kString: set_characters(type, text ? "char" : "binary", meta / width); break;
    case BinlogType::kVarchar:
    case BinlogType::kVarcharCompressed:
      set_characters(type, text ? "varchar" : "varbinary", meta / width);
      break;
    case BinlogType::kTinyBlob:
    case BinlogType::kMediumBlob:
    case BinlogType::kLongBlob:
    case BinlogType::kBlob:
    case BinlogType::kBlobCompressed: type.data_type = type.column_type = blob_word(meta, text); break;
    case BinlogType::kEnum:
    case BinlogType::kSet: {
      type.data_type = logged.type == BinlogType::kEnum ? "enum" : "set";
      type.column_type = labels_text(type.data_type, logged);
      std::size_t longest = 0;
      std::size_t all = 0;
      for (const std::string& label : logged.labels) {
        longest = std::max(longest, label.size());
        all += label.size() + 1;
      }
      type.length = logged.type == BinlogType::kEnum ? longest : all;
      break;
    }
    case BinlogType::kJson: type.data_type = type.column_type = "json"; break;
    case BinlogType::kVector: type.data_type = type.column_type = "vector"; break;
    case BinlogType::kGeometry:
      type.data_type = type.column_type = geometry_word(logged.geometry_type);
      break;
    case BinlogType::kDecimal:
    case BinlogType::kNull:
    case BinlogType::kTimestamp:
    case BinlogType::kTime:
    case BinlogType::kDatetime:
    case BinlogType::kNewDate:
    case BinlogType::kVarString:
    case BinlogType::kTypedArray: type.data_type = type.column_type = "unknown"; break;
  }
  return type;
}

}  // namespace dmskafka::mysql
