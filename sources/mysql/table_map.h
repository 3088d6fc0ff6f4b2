#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace dmskafka::mysql {

/// The types of columns as the log numbers them. MySQL's manual, "Field type"; 140 and 141 are MariaDB's.
enum class BinlogType : std::uint8_t {
  kDecimal = 0,
  kTiny = 1,
  kShort = 2,
  kLong = 3,
  kFloat = 4,
  kDouble = 5,
  kNull = 6,
  kTimestamp = 7,
  kLongLong = 8,
  kInt24 = 9,
  kDate = 10,
  kTime = 11,
  kDatetime = 12,
  kYear = 13,
  kNewDate = 14,
  kVarchar = 15,
  kBit = 16,
  kTimestamp2 = 17,
  kDatetime2 = 18,
  kTime2 = 19,
  kTypedArray = 20,
  kBlobCompressed = 140,
  kVarcharCompressed = 141,
  kVector = 242,
  kJson = 245,
  kNewDecimal = 246,
  kEnum = 247,
  kSet = 248,
  kTinyBlob = 249,
  kMediumBlob = 250,
  kLongBlob = 251,
  kBlob = 252,
  kVarString = 253,
  kString = 254,
  kGeometry = 255,
};

/// One column of a TABLE_MAP. What the server did not tell is nullopt or empty.
struct MappedColumn {
  BinlogType type = BinlogType::kNull;  ///< of STRING already the real one: kString, kEnum or kSet
  /// What the type's metadata says: bytes at most (kVarchar, kString), bytes of the length (blobs), digits of fractions, bytes
  /// of the value (kEnum, kSet), bits (kBit), precision << 8 | scale (kNewDecimal).
  std::uint32_t meta = 0;
  bool nullable = true;
  std::optional<bool> is_unsigned;         ///< numeric types
  std::optional<std::uint32_t> collation;  ///< character types, ENUM and SET; 63: binary
  bool invisible = false;

  std::string name;                 ///< binlog_row_metadata=FULL only, as the labels; UTF-8
  std::vector<std::string> labels;  ///< of ENUM and SET, in the column's character set until labels_to_utf8()
  std::uint32_t geometry_type = 0;

  /// What is always in the log, and says whether a description fits.
  bool same_layout(const MappedColumn& other) const noexcept {
    return type == other.type && meta == other.meta;
  }
  friend bool operator==(const MappedColumn&, const MappedColumn&) = default;
};

/// TABLE_MAP: table id (6 or 4 bytes), flags u16; database and table (length u8, text, NUL), number of columns, a type byte for
/// each, their metadata, a bit for each (may be NULL), and optional metadata as type u8, length, value.
struct TableMap {
  std::string database;
  std::string table;
  std::vector<MappedColumn> columns;
  bool has_names = false;                  ///< binlog_row_metadata=FULL
  std::vector<std::uint32_t> primary_key;  ///< in key order; FULL only
  /// MariaDB's lists of character sets have an entry for GEOMETRY columns, too.
  bool mariadb_counts_geometry = false;
  friend bool operator==(const TableMap&, const TableMap&) = default;
};

struct TableMapId {
  std::uint64_t id = 0;
  std::string_view body;  ///< behind the id and the flags: equal bodies describe equal tables
};
/// `body` is the event without header and checksum. nullopt: too short.
std::optional<TableMapId> parse_table_map_id(std::string_view body, bool short_ids) noexcept;

/// Errors: kSourceRejected; the text says what is wrong, the caller where.
Result<TableMap> parse_table_map(std::string_view body, bool mariadb);

/// Types that SIGNEDNESS has a bit for.
constexpr bool is_numeric(BinlogType type) noexcept {
  switch (type) {
    case BinlogType::kTiny:
    case BinlogType::kShort:
    case BinlogType::kInt24:
    case BinlogType::kLong:
    case BinlogType::kLongLong:
    case BinlogType::kNewDecimal:
    case BinlogType::kDecimal:
    case BinlogType::kFloat:
    case BinlogType::kDouble:
    case BinlogType::kYear: return true;
    default: return false;
  }
}

/// "VARCHAR(40 bytes)", for messages.
std::string describe_layout(const MappedColumn& column);

}  // namespace dmskafka::mysql
