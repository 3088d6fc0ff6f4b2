#include "sources/postgres/row_conditions.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string_view>

#include "sources/postgres/identifier.h"

namespace dmskafka::postgres {
namespace {

// The types by their printed names: a domain or a type of the user's own prints another name, and is not judged here.
enum class Family : std::uint8_t { kNumber, kDate, kTimestamp, kTimestampUtc, kBoolean, kText, kOther };

Family family_of(const ColumnSchema& column) {
  const std::string_view type = column.source_type;
  if (type.ends_with(']')) return Family::kOther;
  if (type == "smallint" || type == "integer" || type == "bigint" || type.starts_with("numeric"))
    return Family::kNumber;
  if (type == "date") return Family::kDate;
  if (type == "boolean") return Family::kBoolean;
  if (type.starts_with("timestamp") && type.ends_with(" without time zone")) return Family::kTimestamp;
  if (type.starts_with("timestamp") && type.ends_with(" with time zone")) return Family::kTimestampUtc;
  if (type.starts_with("character varying")) return Family::kText;
  // The blanks at the end of a char(n) count here only when messages show them, and never to the server.
  const bool trimmed = column.value_kind == ValueKind::kBlankTrimmedString;
  return type.starts_with("character(") && trimmed ? Family::kText : Family::kOther;
}

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool all_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
}

// -?digits[.digits]: what both sides read with every digit.
std::optional<std::string> number_literal(std::string_view text) {
  constexpr std::size_t kSizeMax = 100;
  const bool negative = text.starts_with('-');
  const std::string_view digits = text.substr(negative ? 1 : 0);
  const std::size_t point = std::min(digits.find('.'), digits.size());
  const std::string_view fraction = point == digits.size() ? "0" : digits.substr(point + 1);
  if (text.size() > kSizeMax || !all_digits(digits.substr(0, point)) || !all_digits(fraction))
    return std::nullopt;
  return fmt::format("({})", text);
}

int number_at(std::string_view text, std::size_t at, std::size_t size) {
  int number = 0;
  for (const char c : text.substr(at, size)) number = number * 10 + (c - '0');
  return number;
}

// YYYY-MM-DD that the calendar knows; then the order of the texts is the order of the days.
bool is_date(std::string_view text) {
  constexpr std::string_view kForm = "0000-00-00";
  if (text.size() != kForm.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (kForm[i] == '0' ? !is_digit(text[i]) : text[i] != kForm[i]) return false;
  }
  const int year = number_at(text, 0, 4);
  const int month = number_at(text, 5, 2);
  const int day = number_at(text, 8, 2);
  constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (year == 0 || month < 1 || month > 12) return false;
  const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return day >= 1 && day <= kDays[month - 1] + (leap && month == 2 ? 1 : 0);
}

// HH:MM:SS, and a fraction in the form in which the server prints it: at most six digits, the last not zero.
bool is_time(std::string_view text) {
  if (text.size() < 8 || text[2] != ':' || text[5] != ':') return false;
  for (const std::size_t at : {0U, 3U, 6U}) {
    if (!all_digits(text.substr(at, 2))) return false;
  }
  if (number_at(text, 0, 2) > 23 || number_at(text, 3, 2) > 59 || number_at(text, 6, 2) > 59) return false;
  if (text.size() == 8) return true;
  return text[8] == '.' && text.size() <= 15 && all_digits(text.substr(9)) && text.back() != '0';
}

std::string quoted(std::string_view text) {
  std::string literal = text.find('\\') == std::string_view::npos ? "'" : "E'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') literal += c;
    literal += c;
  }
  return literal + "'";
}

// One side of a comparison, ready to be compared with.
struct Operand {
  std::string literal;
  bool below_every_equal = false;  ///< a day without a time: as text it stands before its own midnight
};

std::optional<Operand> operand(Family family, std::string_view text, ServerEncoding encoding) {
  switch (family) {
    case Family::kNumber: {
      auto literal = number_literal(text);
      if (!literal) return std::nullopt;
      return Operand{std::move(*literal)};
    }
    case Family::kDate:
      if (!is_date(text)) return std::nullopt;
      return Operand{fmt::format("pg_catalog.date '{}'", text)};
    case Family::kTimestamp:
    case Family::kTimestampUtc: {
      const std::string_view day = text.substr(0, 10);
      const bool whole_day = text.size() == 10;
      if (!is_date(day) || (!whole_day && (text[10] != ' ' || !is_time(text.substr(11)))))
        return std::nullopt;
      const bool utc = family == Family::kTimestampUtc;
      return Operand{fmt::format("pg_catalog.{} '{}{}{}'", utc ? "timestamptz" : "timestamp", text,
                                 whole_day ? " 00:00:00" : "", utc ? "+00" : ""),
                     whole_day};
    }
    case Family::kBoolean:
      if (text != "0" && text != "1") return std::nullopt;
      return Operand{text == "1" ? "true" : "false"};
    case Family::kText:
      if (encoding != ServerEncoding::kUtf8 || text.find('\0') != std::string_view::npos) return std::nullopt;
      return Operand{quoted(text)};
    case Family::kOther: break;
  }
  return std::nullopt;
}

std::string compared(const std::string& left, std::string_view op, const Operand& right) {
  return fmt::format("{} OPERATOR(pg_catalog.{}) {}", left, op, right.literal);
}
// Nothing is equal to a day without a time, so "up to it" means "before its midnight".
std::string at_most(const std::string& left, const Operand& right) {
  return compared(left, right.below_every_equal ? "<" : "<=", right);
}
std::string above(const std::string& left, const Operand& right) {
  return compared(left, right.below_every_equal ? ">=" : ">", right);
}

std::optional<std::string> test_sql(const TableSchema& table, const RowTest& test, ServerEncoding encoding) {
  const ColumnSchema& column = table.columns[test.column];
  const std::string name = quote_identifier(column.name);
  if (test.op == FilterOperator::kNull) return name + " IS NULL";
  if (test.op == FilterOperator::kNotnull) return name + " IS NOT NULL";
  const Family family = family_of(column);
  const auto low = operand(family, test.low, encoding);
  if (!low) return std::nullopt;
  const std::string left =
      family == Family::kText ? fmt::format("({}::pg_catalog.text COLLATE pg_catalog.\"C\")", name) : name;
  switch (test.op) {
    case FilterOperator::kLte: return at_most(left, *low);
    case FilterOperator::kGte: return compared(left, ">=", *low);
    case FilterOperator::kEq:
    case FilterOperator::kNoteq:
      if (low->below_every_equal) return std::nullopt;
      return compared(left, test.op == FilterOperator::kEq ? "=" : "<>", *low);
    case FilterOperator::kBetween:
    case FilterOperator::kNotbetween: {
      const auto high = operand(family, test.high, encoding);
      if (!high) return std::nullopt;
      if (test.op == FilterOperator::kBetween)
        return compared(left, ">=", *low) + " AND " + at_most(left, *high);
      return "(" + compared(left, "<", *low) + " OR " + above(left, *high) + ")";
    }
    case FilterOperator::kNull:
    case FilterOperator::kNotnull: break;
  }
  return std::nullopt;
}

}  // namespace

std::string condition_sql(const TableSchema& table, const RowCondition& condition, ServerEncoding encoding) {
  std::string sql;
  for (const RowCondition::Clause& clause : condition.clauses) {
    std::string tests;
    bool complete = !clause.empty();
    for (const RowTest& test : clause) {
      const auto one = test_sql(table, test, encoding);
      complete = complete && one;
      if (one) tests += (tests.empty() ? "" : " OR ") + *one;
    }
    if (complete) sql += (sql.empty() ? "(" : " AND (") + tests + ")";
  }
  return sql;
}

}  // namespace dmskafka::postgres
