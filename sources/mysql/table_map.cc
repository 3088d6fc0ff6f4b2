#include "sources/mysql/table_map.h"

#include <fmt/format.h>

#include <utility>

#include "sources/mysql/event_reader.h"

namespace dmskafka::mysql {
namespace {

/// The types of optional metadata. MySQL's manual, "Table_map_event", "Optional metadata fields".
enum class Field : std::uint8_t {
  kSignedness = 1,
  kDefaultCharset = 2,
  kColumnCharset = 3,
  kColumnName = 4,
  kSetValues = 5,
  kEnumValues = 6,
  kGeometryType = 7,
  kPrimaryKey = 8,
  kPrimaryKeyWithPrefix = 9,
  kEnumSetDefaultCharset = 10,
  kEnumSetColumnCharset = 11,
  kVisibility = 12,
};

constexpr std::size_t kColumnsMax = 8'192;  // the servers allow 4,096, and hide a few of their own

Error refused(std::string_view why) {
  return Error(ErrorCode::kSourceRejected, fmt::format("the description of a table {}", why));
}

bool is_character(BinlogType type) noexcept {
  switch (type) {
    case BinlogType::kString:
    case BinlogType::kVarString:
    case BinlogType::kVarchar:
    case BinlogType::kTinyBlob:
    case BinlogType::kMediumBlob:
    case BinlogType::kLongBlob:
    case BinlogType::kBlob:
    case BinlogType::kBlobCompressed:
    case BinlogType::kVarcharCompressed: return true;
    default: return false;
  }
}

bool is_enum_or_set(BinlogType type) noexcept {
  return type == BinlogType::kEnum || type == BinlogType::kSet;
}

/// STRING's two bytes: of CHAR the real type with two bits of the length folded in, or ENUM and SET with their size.
void read_string_meta(EventReader& reader, MappedColumn& column) {
  const std::uint32_t first = reader.u8();
  const std::uint32_t second = reader.u8();
  const auto real = static_cast<BinlogType>(first);
  if (is_enum_or_set(real)) {
    column.type = real;
    column.meta = second;
    return;
  }
  column.type = BinlogType::kString;
  column.meta = second + (((first & 0x30U) ^ 0x30U) << 4U);
}

/// False: a type that we do not know.
bool read_meta(EventReader& reader, MappedColumn& column) {
  switch (column.type) {
    case BinlogType::kTiny:
    case BinlogType::kShort:
    case BinlogType::kInt24:
    case BinlogType::kLong:
    case BinlogType::kLongLong:
    case BinlogType::kNull:
    case BinlogType::kDate:
    case BinlogType::kNewDate:
    case BinlogType::kYear:
    case BinlogType::kTime:
    case BinlogType::kDatetime:
    case BinlogType::kTimestamp: return true;
    case BinlogType::kFloat:
    case BinlogType::kDouble:
    case BinlogType::kTinyBlob:
    case BinlogType::kMediumBlob:
    case BinlogType::kLongBlob:
    case BinlogType::kBlob:
    case BinlogType::kBlobCompressed:
    case BinlogType::kJson:
    case BinlogType::kGeometry:
    case BinlogType::kVector:
    case BinlogType::kTime2:
    case BinlogType::kDatetime2:
    case BinlogType::kTimestamp2: column.meta = reader.u8(); return true;
    case BinlogType::kVarchar:
    case BinlogType::kVarString:
    case BinlogType::kVarcharCompressed: column.meta = reader.u16(); return true;
    case BinlogType::kNewDecimal: {
      const std::uint32_t precision = reader.u8();
      column.meta = precision << 8U | reader.u8();
      return true;
    }
    case BinlogType::kBit: {
      const std::uint32_t bits = reader.u8();
      column.meta = bits + 8U * reader.u8();
      return true;
    }
    case BinlogType::kString:
    case BinlogType::kEnum:
    case BinlogType::kSet: read_string_meta(reader, column); return true;
    case BinlogType::kDecimal:
    case BinlogType::kTypedArray: return false;
  }
  return false;
}

/// Whether the metadata of a column can be: a decoder relies on it.
bool sane(const MappedColumn& column) noexcept {
  switch (column.type) {
    case BinlogType::kFloat: return column.meta == 4;
    case BinlogType::kDouble: return column.meta == 8;
    case BinlogType::kTinyBlob:
    case BinlogType::kMediumBlob:
    case BinlogType::kLongBlob:
    case BinlogType::kBlob:
    case BinlogType::kBlobCompressed:
    case BinlogType::kJson:
    case BinlogType::kGeometry:
    case BinlogType::kVector: return column.meta >= 1 && column.meta <= 4;
    case BinlogType::kTime2:
    case BinlogType::kDatetime2:
    case BinlogType::kTimestamp2: return column.meta <= 6;
    case BinlogType::kNewDecimal: {
      const std::uint32_t precision = column.meta >> 8U;
      const std::uint32_t scale = column.meta & 0xFFU;
      return precision >= 1 && precision <= 65 && scale <= 38 && scale <= precision;
    }
    case BinlogType::kBit: return column.meta >= 1 && column.meta <= 64;
    case BinlogType::kEnum: return column.meta == 1 || column.meta == 2;
    case BinlogType::kSet: return column.meta >= 1 && column.meta <= 8;
    default: return true;
  }
}

class MetadataParser {
 public:
  explicit MetadataParser(TableMap& map) : columns_(map.columns), map_(map) {}

  Result<void> parse(EventReader& reader) {
    while (reader.left() > 0) {
      const auto field = static_cast<Field>(reader.u8());
      EventReader value(reader.bytes(reader.length_encoded()));
      if (!reader.ok()) return refused("is cut short in its optional metadata");
      parse_field(field, value);
      if (!value.ok()) {
        return refused(
            fmt::format("has unreadable optional metadata (type {})", static_cast<unsigned>(field)));
      }
    }
    return {};
  }

 private:
  void parse_field(Field field, EventReader& value) {
    switch (field) {
      case Field::kSignedness: return signedness(value);
      case Field::kDefaultCharset: return default_charset(value, Of::kCharacters);
      case Field::kColumnCharset: return charsets(value, Of::kCharacters);
      case Field::kEnumSetDefaultCharset: return default_charset(value, Of::kEnumsAndSets);
      case Field::kEnumSetColumnCharset: return charsets(value, Of::kEnumsAndSets);
      case Field::kColumnName: return names(value);
      case Field::kSetValues: return labels(value, BinlogType::kSet);
      case Field::kEnumValues: return labels(value, BinlogType::kEnum);
      case Field::kGeometryType: return geometry(value);
      case Field::kPrimaryKey: return key(value, false);
      case Field::kPrimaryKeyWithPrefix: return key(value, true);
      case Field::kVisibility: return visibility(value);
    }
    // What newer servers add is not needed to read the rows.
  }

  void signedness(EventReader& value) {
    std::size_t bit = 0;
    std::uint8_t byte = 0;
    for (MappedColumn& column : columns_) {
      if (!is_numeric(column.type)) continue;
      if (bit % 8 == 0) byte = value.u8();
      column.is_unsigned = (byte >> (7 - bit % 8) & 1U) != 0;
      ++bit;
    }
  }

  enum class Of : std::uint8_t { kCharacters, kEnumsAndSets };

  /// The columns that a list of character sets is about.
  std::vector<MappedColumn*> of(Of which) {
    std::vector<MappedColumn*> found;
    for (MappedColumn& column : columns_) {
      const bool counts = which == Of::kEnumsAndSets
                              ? is_enum_or_set(column.type)
                              : is_character(column.type) ||
                                    (map_.mariadb_counts_geometry && column.type == BinlogType::kGeometry);
      if (counts) found.push_back(&column);
    }
    return found;
  }

  void default_charset(EventReader& value, Of which) {
    const auto usual = static_cast<std::uint32_t>(value.length_encoded());
    const std::vector<MappedColumn*> counted = of(which);
    for (MappedColumn* const column : counted) column->collation = usual;
    while (value.left() > 0) {  // the exceptions, numbered among the columns that count
      const std::uint64_t index = value.length_encoded();
      const auto collation = static_cast<std::uint32_t>(value.length_encoded());
      if (index >= counted.size()) return value.fail();
      counted[static_cast<std::size_t>(index)]->collation = collation;
    }
  }

  void charsets(EventReader& value, Of which) {
    for (MappedColumn* const column : of(which)) {
      column->collation = static_cast<std::uint32_t>(value.length_encoded());
    }
    if (value.left() != 0) value.fail();
  }

  void names(EventReader& value) {
    for (MappedColumn& column : columns_) column.name = std::string(value.bytes(value.length_encoded()));
    map_.has_names = value.ok() && value.left() == 0;
    if (value.left() != 0) value.fail();
  }

  void labels(EventReader& value, BinlogType type) {
    for (MappedColumn& column : columns_) {
      if (column.type != type) continue;
      const std::uint64_t count = value.length_encoded();
      for (std::uint64_t i = 0; i < count && value.ok(); ++i) {
        column.labels.emplace_back(value.bytes(value.length_encoded()));
      }
    }
    if (value.left() != 0) value.fail();
  }

  void geometry(EventReader& value) {
    for (MappedColumn& column : columns_) {
      if (column.type != BinlogType::kGeometry || value.left() == 0) continue;
      column.geometry_type = static_cast<std::uint32_t>(value.length_encoded());
    }
  }

  void key(EventReader& value, bool with_prefix) {
    while (value.left() > 0 && value.ok()) {
      const std::uint64_t column = value.length_encoded();
      if (with_prefix) (void)value.length_encoded();
      if (column >= columns_.size()) return value.fail();
      map_.primary_key.push_back(static_cast<std::uint32_t>(column));
    }
  }

  void visibility(EventReader& value) {
    std::uint8_t byte = 0;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (i % 8 == 0) byte = value.u8();
      columns_[i].invisible = (byte >> (7 - i % 8) & 1U) == 0;
    }
  }

  std::vector<MappedColumn>& columns_;
  TableMap& map_;
};

std::string text_with_nul(EventReader& reader) {
  const std::string_view text = reader.bytes(reader.u8());
  if (reader.u8() != 0) reader.fail();
  return std::string(text);
}

}  // namespace

std::optional<TableMapId> parse_table_map_id(std::string_view body, bool short_ids) noexcept {
  EventReader reader(body);
  TableMapId id;
  id.id = reader.little_endian(short_ids ? 4 : 6);
  (void)reader.u16();
  id.body = reader.rest();
  if (!reader.ok()) return std::nullopt;
  return id;
}

Result<TableMap> parse_table_map(std::string_view body, bool mariadb) {
  EventReader reader(body);
  TableMap map;
  map.mariadb_counts_geometry = mariadb;
  map.database = text_with_nul(reader);
  map.table = text_with_nul(reader);
  const std::uint64_t count = reader.length_encoded();
  if (!reader.ok() || count > kColumnsMax || count > reader.left()) return refused("is cut short");
  map.columns.resize(static_cast<std::size_t>(count));
  for (MappedColumn& column : map.columns) column.type = static_cast<BinlogType>(reader.u8());
  EventReader meta(reader.bytes(reader.length_encoded()));
  for (std::size_t i = 0; i < map.columns.size(); ++i) {
    MappedColumn& column = map.columns[i];
    const auto type = static_cast<unsigned>(column.type);
    if (!read_meta(meta, column)) {
      return refused(
          fmt::format("({}.{}) has the unknown type {} for column {}", map.database, map.table, type, i + 1));
    }
    if (!meta.ok() || !sane(column)) {
      return refused(
          fmt::format("({}.{}) has impossible metadata for column {}", map.database, map.table, i + 1));
    }
  }
  if (meta.left() != 0) return refused("has more metadata than columns");
  const BitmapView nullable(reader.bytes(BitmapView::bytes_for(map.columns.size())));
  if (!reader.ok()) return refused("is cut short");
  for (std::size_t i = 0; i < map.columns.size(); ++i) map.columns[i].nullable = nullable[i];
  DMSKAFKA_TRY(MetadataParser(map).parse(reader));
  return map;
}

std::string describe_layout(const MappedColumn& column) {
  const std::uint32_t meta = column.meta;
  switch (column.type) {
    case BinlogType::kTiny: return "TINYINT";
    case BinlogType::kShort: return "SMALLINT";
    case BinlogType::kInt24: return "MEDIUMINT";
    case BinlogType::kLong: return "INT";
    case BinlogType::kLongLong: return "BIGINT";
    case BinlogType::kFloat: return "FLOAT";
    case BinlogType::kDouble: return "DOUBLE";
    case BinlogType::kYear: return "YEAR";
    case BinlogType::kDate:
    case BinlogType::kNewDate: return "DATE";
    case BinlogType::kTime: return "TIME (of before 5.6)";
    case BinlogType::kDatetime: return "DATETIME (of before 5.6)";
    case BinlogType::kTimestamp: return "TIMESTAMP (of before 5.6)";
    case BinlogType::kTime2: return fmt::format("TIME({})", meta);
    case BinlogType::kDatetime2: return fmt::format("DATETIME({})", meta);
    case BinlogType::kTimestamp2: return fmt::format("TIMESTAMP({})", meta);
    case BinlogType::kNewDecimal: return fmt::format("DECIMAL({},{})", meta >> 8U, meta & 0xFFU);
    case BinlogType::kBit: return fmt::format("BIT({})", meta);
    case BinlogType::kString: return fmt::format("CHAR or BINARY of {} bytes", meta);
    case BinlogType::kVarchar:
    case BinlogType::kVarString: return fmt::format("VARCHAR or VARBINARY of {} bytes", meta);
    case BinlogType::kVarcharCompressed: return fmt::format("VARCHAR COMPRESSED of {} bytes", meta);
    case BinlogType::kBlobCompressed: return fmt::format("BLOB COMPRESSED with {} bytes of length", meta);
    case BinlogType::kTinyBlob:
    case BinlogType::kMediumBlob:
    case BinlogType::kLongBlob:
    case BinlogType::kBlob: return fmt::format("TEXT or BLOB with {} bytes of length", meta);
    case BinlogType::kEnum: return fmt::format("ENUM of {} bytes", meta);
    case BinlogType::kSet: return fmt::format("SET of {} bytes", meta);
    case BinlogType::kJson: return "JSON";
    case BinlogType::kGeometry: return "GEOMETRY";
    case BinlogType::kVector: return "VECTOR";
    case BinlogType::kDecimal:
    case BinlogType::kNull:
    case BinlogType::kTypedArray: break;
  }
  return fmt::format("type {}", static_cast<unsigned>(column.type));
}

}  // namespace dmskafka::mysql
