#include "sources/mysql/key_values.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "sources/mysql/column_types.h"
#include "sources/mysql/identifier.h"

namespace dmskafka::mysql {
namespace {

__extension__ using Wide = __int128;

/// Letters in the order that most collations have them in, for a place between two texts. The server's order decides.
constexpr std::string_view kAnyCaseLetters = "0123456789abcdefghijklmnopqrstuvwxyz";
constexpr std::string_view kByteLetters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz";
constexpr std::string_view kHexDigits = "0123456789ABCDEF";
/// So many letters behind the common beginning tell two values apart well enough.
constexpr std::size_t kLettersMax = 8;

bool all_digits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

bool is_integer(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  return all_digits(text) && text.size() <= 20;
}

bool is_decimal(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  const std::size_t point = std::min(text.find('.'), text.size());
  const std::string_view fraction = point == text.size() ? "0" : text.substr(point + 1);
  return all_digits(text.substr(0, point)) && all_digits(fraction) && text.size() <= 70;
}

/// "2024-02-29", "2024-02-29 10:00:00.5", "-10:00:00": digits in the places of the form; the server knows the calendar.
bool has_form(std::string_view text, std::string_view form) {
  if (text.size() < form.size()) return false;
  for (std::size_t i = 0; i < form.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    if (form[i] == '0' ? !digit : text[i] != form[i]) return false;
  }
  const std::string_view rest = text.substr(form.size());
  return rest.empty() || (rest[0] == '.' && all_digits(rest.substr(1)) && rest.size() <= 7);
}

bool is_datetime(std::string_view text) {
  return has_form(text, "0000-00-00 00:00:00") || (text.size() == 10 && has_form(text, "0000-00-00"));
}

bool is_time(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  return has_form(text, "00:00:00") || has_form(text, "000:00:00");
}

bool is_hex(std::string_view text) {
  return text.size() % 2 == 0 &&
         std::ranges::all_of(text, [](char c) { return kHexDigits.find(c) != std::string_view::npos; });
}

Wide to_wide(std::string_view text) {
  const bool negative = text.starts_with('-');
  Wide value = 0;
  for (const char c : text.substr(negative ? 1 : 0)) value = value * 10 + (c - '0');
  return negative ? -value : value;
}

std::string to_text(Wide value) {
  if (value < 0) return "-" + to_text(-value);
  std::string digits;
  do {
    digits.insert(digits.begin(), static_cast<char>('0' + static_cast<int>(value % 10)));
    value /= 10;
  } while (value != 0);
  return digits;
}

/// Counts in `letters` as digits: the value of up to kLettersMax of them from `from` on; those that are none count as the
/// nearest below.
Wide letters_value(std::string_view text, std::size_t from, std::string_view letters, bool fold) {
  Wide value = 0;
  for (std::size_t i = 0; i < kLettersMax; ++i) {
    std::size_t digit = 0;
    if (from + i < text.size()) {
      char c = text[from + i];
      if (fold && c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
      const auto above = std::ranges::upper_bound(letters, c, [](char a, char b) {
        return static_cast<unsigned char>(a) < static_cast<unsigned char>(b);
      });
      digit = static_cast<std::size_t>(above - letters.begin());
      if (digit != 0) --digit;
    }
    value = value * static_cast<Wide>(letters.size()) + static_cast<Wide>(digit);
  }
  return value;
}

std::optional<std::string> letters_between(std::string_view low, std::string_view high,
                                           std::string_view letters, bool fold) {
  std::size_t common = 0;
  while (common < low.size() && common < high.size() && low[common] == high[common]) ++common;
  const Wide from = letters_value(low, common, letters, fold);
  const Wide to = letters_value(high, common, letters, fold);
  if (to - from < 2) return std::nullopt;
  Wide middle = from + (to - from) / 2;
  std::string tail;
  for (std::size_t i = 0; i < kLettersMax; ++i) {
    tail.insert(tail.begin(), letters[static_cast<std::size_t>(middle % static_cast<Wide>(letters.size()))]);
    middle /= static_cast<Wide>(letters.size());
  }
  // Zeros at the end only make the text long; of hexadecimal digits an even number must stay.
  while (tail.size() > 2 && tail.ends_with(std::string(2, letters[0]))) tail.resize(tail.size() - 2);
  std::string between(low.substr(0, common));
  between += tail;
  if (letters == kHexDigits && between.size() % 2 != 0) between += '0';
  return between;
}

bool is_byte_order(std::string_view collation) {
  return collation.ends_with("_bin") || collation == "binary" || collation.ends_with("_cs");
}

}  // namespace

KeyFamily key_family(const ColumnSchema& column) {
  struct Word {
    std::string_view word;
    KeyFamily family;
  };
  constexpr auto kWords = std::to_array<Word>({
      {"tinyint", KeyFamily::kInteger},    {"smallint", KeyFamily::kInteger},
      {"mediumint", KeyFamily::kInteger},  {"int", KeyFamily::kInteger},
      {"bigint", KeyFamily::kInteger},     {"year", KeyFamily::kInteger},
      {"bit", KeyFamily::kInteger},        {"decimal", KeyFamily::kDecimal},
      {"date", KeyFamily::kDate},          {"datetime", KeyFamily::kDatetime},
      {"timestamp", KeyFamily::kDatetime}, {"time", KeyFamily::kTime},
      {"char", KeyFamily::kText},          {"varchar", KeyFamily::kText},
      {"tinytext", KeyFamily::kText},      {"text", KeyFamily::kText},
      {"mediumtext", KeyFamily::kText},    {"longtext", KeyFamily::kText},
      {"binary", KeyFamily::kBytes},       {"varbinary", KeyFamily::kBytes},
      {"tinyblob", KeyFamily::kBytes},     {"blob", KeyFamily::kBytes},
      {"mediumblob", KeyFamily::kBytes},   {"longblob", KeyFamily::kBytes},
      {"uuid", KeyFamily::kOther},         {"inet6", KeyFamily::kOther},
      {"inet4", KeyFamily::kOther},
  });
  const std::string_view word = type_word(column.source_type);
  const auto found = std::ranges::find(kWords, word, &Word::word);
  return found == kWords.end() ? KeyFamily::kNone : found->family;
}

std::string bound_expression(const ColumnSchema& column) {
  const std::string name = quote_identifier(column.name);
  if (key_family(column) == KeyFamily::kBytes) return "HEX(" + name + ")";
  // Zeros of ZEROFILL and the bytes of a BIT become a number's digits.
  if (key_family(column) == KeyFamily::kInteger || key_family(column) == KeyFamily::kDecimal)
    return name + " + 0";
  return name;
}

bool is_bound(const ColumnSchema& column, std::string_view bound) {
  switch (key_family(column)) {
    case KeyFamily::kInteger: return is_integer(bound);
    case KeyFamily::kDecimal: return is_decimal(bound);
    case KeyFamily::kDate: return bound.size() == 10 && has_form(bound, "0000-00-00");
    case KeyFamily::kDatetime: return is_datetime(bound);
    case KeyFamily::kTime: return is_time(bound);
    case KeyFamily::kBytes: return is_hex(bound);
    case KeyFamily::kText:
    case KeyFamily::kOther: return true;
    case KeyFamily::kNone: return false;
  }
  return false;
}

std::string bound_literal(const ColumnSchema& column, std::string_view bound) {
  switch (key_family(column)) {
    case KeyFamily::kInteger:
    case KeyFamily::kDecimal: return std::string(bound);
    case KeyFamily::kBytes: return fmt::format("x'{}'", bound);
    case KeyFamily::kDate:
    case KeyFamily::kDatetime:
    case KeyFamily::kTime:
    case KeyFamily::kText:
    case KeyFamily::kOther:
    case KeyFamily::kNone: break;
  }
  return quote_literal(bound);
}

std::string ordered_literal(const ColumnSchema& column, std::string_view bound) {
  const std::string literal = bound_literal(column, bound);
  switch (key_family(column)) {
    case KeyFamily::kInteger:
    case KeyFamily::kDecimal: return fmt::format("CAST({} AS DECIMAL(65,30))", literal);
    case KeyFamily::kDate: return fmt::format("CAST({} AS DATE)", literal);
    case KeyFamily::kDatetime: return fmt::format("CAST({} AS DATETIME(6))", literal);
    case KeyFamily::kTime: return fmt::format("CAST({} AS TIME(6))", literal);
    case KeyFamily::kText: {
      const std::string charset = column.collation.substr(0, column.collation.find('_'));
      return fmt::format("CONVERT({} USING {}) COLLATE {}", literal, charset, column.collation);
    }
    case KeyFamily::kOther: return fmt::format("CAST({} AS {})", literal, type_word(column.source_type));
    case KeyFamily::kBytes:
    case KeyFamily::kNone: break;
  }
  return literal;
}

std::optional<std::string> midpoint(const ColumnSchema& column, std::string_view low, std::string_view high) {
  switch (key_family(column)) {
    case KeyFamily::kInteger: {
      const Wide from = to_wide(low);
      const Wide to = to_wide(high);
      if (to <= from) return std::nullopt;
      return to_text(from + (to - from + 1) / 2);
    }
    case KeyFamily::kText: {
      const bool bytes = is_byte_order(column.collation);
      return letters_between(low, high, bytes ? kByteLetters : kAnyCaseLetters, !bytes);
    }
    case KeyFamily::kBytes: return letters_between(low, high, kHexDigits, false);
    case KeyFamily::kDecimal:
    case KeyFamily::kDate:
    case KeyFamily::kDatetime:
    case KeyFamily::kTime:
    case KeyFamily::kOther:
    case KeyFamily::kNone: break;
  }
  return std::nullopt;
}

std::optional<std::string> midpoint_query(const ColumnSchema& column, std::string_view low,
                                          std::string_view high) {
  const std::string from = quote_literal(low);
  const std::string to = quote_literal(high);
  switch (key_family(column)) {
    case KeyFamily::kDecimal:
      return fmt::format("SELECT CAST({0} + ({1} - {0}) / 2 AS DECIMAL(65,30))", low, high);
    case KeyFamily::kDate:
      return fmt::format("SELECT DATE_ADD(CAST({0} AS DATE), INTERVAL (DATEDIFF({1}, {0}) + 1) DIV 2 DAY)",
                         from, to);
    case KeyFamily::kDatetime:
      return fmt::format(
          "SELECT CAST(DATE_ADD(CAST({0} AS DATETIME(6)), INTERVAL (TIMESTAMPDIFF(MICROSECOND, {0}, {1}) + "
          "1) DIV 2 "
          "MICROSECOND) AS DATETIME(6))",
          from, to);
    case KeyFamily::kInteger:
    case KeyFamily::kTime:
    case KeyFamily::kText:
    case KeyFamily::kBytes:
    case KeyFamily::kOther:
    case KeyFamily::kNone: break;
  }
  return std::nullopt;
}

namespace {

/// (a, b, c) compared with a bound, spelled out: `a > 1 OR (a = 1 AND (b > 2 OR (b = 2 AND c >= 3)))`. Servers use an index for
/// that, but not for a comparison of rows.
std::string spelled_out(const std::vector<const ColumnSchema*>& columns, const KeyBound& bound,
                        std::string_view strict, std::string_view last, std::size_t from) {
  const ColumnSchema& column = *columns[from];
  const std::string name = quote_identifier(column.name);
  const std::string literal = bound_literal(column, bound[from]);
  if (from + 1 == columns.size()) return fmt::format("{} {} {}", name, last, literal);
  return fmt::format("({0} {1} {2} OR ({0} = {2} AND {3}))", name, strict, literal,
                     spelled_out(columns, bound, strict, last, from + 1));
}

}  // namespace

std::string range_condition(const TableSchema& table, const KeyRange& range) {
  std::vector<const ColumnSchema*> columns;
  for (const std::string& name : range.columns) columns.push_back(&table.columns[*table.find_column(name)]);
  std::string condition;
  const auto add = [&condition](std::string_view joint, const std::string& term) {
    condition += (condition.empty() ? "" : std::string(joint)) + term;
  };
  if (range.nulls) {
    for (const ColumnSchema* column : columns) add(" OR ", quote_identifier(column->name) + " IS NULL");
    return "(" + condition + ")";
  }
  const ColumnSchema& leading = *columns.front();
  const std::string name = quote_identifier(leading.name);
  // The first column alone bounds what is read of the index.
  if (range.first && columns.size() > 1)
    add("", name + " >= " + bound_literal(leading, range.first->front()));
  if (range.end && columns.size() > 1)
    add(" AND ", name + " <= " + bound_literal(leading, range.end->front()));
  if (range.first) add(" AND ", spelled_out(columns, *range.first, ">", ">=", 0));
  if (range.end) add(" AND ", spelled_out(columns, *range.end, "<", "<", 0));
  // A comparison may be decided before it comes to a column with NULL; that row is in the range of its own.
  for (const ColumnSchema* column : columns) {
    if (column->nullable) add(" AND ", quote_identifier(column->name) + " IS NOT NULL");
  }
  return condition;
}

}  // namespace dmskafka::mysql
