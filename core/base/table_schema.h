#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dmskafka {

/// A table's name in its source. Case-sensitive; SQLite's schema is "main".
struct TableName {
  std::string schema;
  std::string table;
  friend auto operator<=>(const TableName&, const TableName&) = default;
  /// "schema.table", for messages to people.
  std::string text() const { return schema.empty() ? table : schema + "." + table; }
};

enum class TableKind : std::uint8_t { kTable, kView };

/// The column types of control records, as DMS names them (wire-format.md §4).
enum class DmsType : std::uint8_t {
  kBinary,
  kBool,
  kDate32,
  kTime32,
  kTimestamp,
  kInt8,
  kInt16,
  kInt32,
  kInt64,
  kUint8,
  kUint16,
  kUint32,
  kUint64,
  kDecimal,
  kFloat,
  kDouble,
  kString,
};
std::string_view dms_type_name(DmsType type) noexcept;

/// How the text of a value becomes JSON. The source picks one per column, from its type and the source
/// settings; the encoder writes it (wire-format.md §5). The text each expects is given here.
enum class ValueKind : std::uint8_t {
  kInteger,          ///< "-12": written as it stands.
  kFloat4,           ///< any text strtof reads, or NaN, Infinity, -Infinity
  kFloat8,           ///< any text strtod reads, or NaN, Infinity, -Infinity
  kDecimal,          ///< "-1500.00" without exponent, or NaN, ±Infinity; trailing zeros are cut when written
  kDecimalAsString,  ///< as kDecimal (zeros kept), written as a JSON string
  kMoney,            ///< "$1,234.50", "-$1,234.50"
  kBooleanAsString,  ///< "t"/"f", "1"/"0" → "true"/"false" (DMS's form for PostgreSQL)
  kBoolean,          ///< "t"/"f", "1"/"0" → true/false
  kString,           ///< UTF-8 text, escaped
  kBlankTrimmedString,  ///< as kString, trailing blanks removed (char(n))
  kDate,       ///< "2018-01-02"; anything else (BC, infinity, year > 9999) is written as the string it is
  kTimestamp,  ///< "2021-01-08 09:00:00[.ffffff]" → "2021-01-08T09:00:00[.ffffff]Z"; else the string it is
  kTimestampUtc,  ///< as kTimestamp with "+00" at its end (timestamptz under TimeZone=UTC)
  kTime,          ///< "04:05:06[.789]" → fraction padded to the column's scale
  kTimeWithZone,  ///< "04:05:06[.789]+02"
  kHexBytes,      ///< PostgreSQL's "\xdeadbeef" → "0xDEADBEEF"
  kDynamic,       ///< decided by each value's ValueForm (SQLite)
};

struct ColumnSchema {
  std::string name;
  DmsType type = DmsType::kString;
  ValueKind value_kind = ValueKind::kString;
  std::optional<std::uint32_t> length;     ///< characters, or bytes of binary types; none for LOBs
  std::optional<std::uint32_t> precision;  ///< decimals
  std::optional<std::uint32_t> scale;      ///< decimals, and fraction digits of times
  bool nullable = true;
  bool lob = false;         ///< What DMS treats as a LOB (wire-format.md §5).
  std::string collation;    ///< MySQL/MariaDB character columns; "" elsewhere
  std::string source_type;  ///< as the database prints it, e.g. "numeric(12,2)"; for messages
  /// The source's own number of the column, kept by a rename and never given again (attnum); 0: unknown.
  std::uint32_t number = 0;
  friend bool operator==(const ColumnSchema&, const ColumnSchema&) = default;
};

/// What the log tells of a row before an update or a delete: Change::before. Before images depend on it.
enum class OldRow : std::uint8_t {
  kWhole,           ///< every column, always (MySQL, SQLite)
  kFull,            ///< PostgreSQL's REPLICA IDENTITY FULL: every column, always
  kKeyWhenChanged,  ///< PostgreSQL's default: the primary key, of a delete and of an update that changes it
  kOtherColumns,    ///< PostgreSQL's REPLICA IDENTITY INDEX: that index's columns, likewise
  kNothing,         ///< PostgreSQL without a usable identity
};

/// A table as the source's catalogue describes it at one moment. Immutable once published; a changed table
/// gets a new TableSchema, and with it a new plan.
struct TableSchema {
  TableName name;
  TableKind kind = TableKind::kTable;
  std::vector<ColumnSchema> columns;       ///< in table order
  std::vector<std::uint32_t> primary_key;  ///< indices into `columns`, in key order; empty: no key
  OldRow old_row = OldRow::kWhole;
  std::uint64_t bytes_estimate = 0;  ///< on disk, 0 when unknown: only for order and progress
  std::optional<std::uint64_t> rows_estimate;
  std::string source_handle;  ///< the source's own (an oid, a rowid column …); opaque elsewhere

  bool has_primary_key() const noexcept { return !primary_key.empty(); }
  bool is_key_column(std::uint32_t column) const noexcept;
  /// Index of the column with exactly this name.
  std::optional<std::uint32_t> find_column(std::string_view column) const noexcept;
};

}  // namespace dmskafka
