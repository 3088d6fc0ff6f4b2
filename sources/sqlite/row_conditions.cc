#include "sources/sqlite/row_conditions.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

#include "sources/sqlite/connection.h"

namespace dmskafka::sqlite {
namespace {

// Up to here a double holds every integer, so that integers, doubles and texts of either compare alike.
constexpr std::int64_t kIntegerMax = std::int64_t{1} << 53;

std::optional<std::int64_t> integer_of(std::string_view text) {
  std::int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  if (parsed.ec != std::errc() || parsed.ptr != end || number > kIntegerMax || number < -kIntegerMax)
    return std::nullopt;
  return number;
}

// Neither the digits of a decimal nor what a double can be written as: "abc", "2024-02-29".
bool is_no_number(std::string_view text) {
  if (text.empty()) return true;
  const bool digit = text[0] >= '0' && text[0] <= '9';
  if (digit)
    return text.find('-') != std::string_view::npos && text.find_first_of("eE") == std::string_view::npos;
  return std::string_view("-+.iInN").find(text[0]) == std::string_view::npos;
}

std::string quoted(std::string_view text) {
  std::string literal = "'";
  for (const char c : text) {
    literal += c;
    if (c == '\'') literal += c;
  }
  return literal + "'";
}

// What stands for an operand beside numbers and beside texts. Numbers stand before every text that is none.
struct Operand {
  std::optional<std::int64_t> number;
  std::string text;
};

std::optional<Operand> operand(const std::string& text) {
  if (text.find('\0') != std::string::npos) return std::nullopt;
  const auto number = integer_of(text);
  if (!number && !is_no_number(text)) return std::nullopt;  // 1.5, 1e3: not exactly SQLite's
  return Operand{number, quoted(text)};
}

// Whether `left` stands to the operand as `op` says, where left is a number: its order to a text is the same for all.
std::string number_test(const std::string& left, std::string_view op, const Operand& right) {
  if (right.number) return fmt::format("{} {} {}", left, op, *right.number);
  return op == "<=" || op == "<" || op == "<>" ? "1" : "0";
}
std::string text_test(const std::string& left, std::string_view op, const Operand& right) {
  return fmt::format("{} COLLATE BINARY {} {}", left, op, right.text);
}

// Bytes stand behind everything.
std::string by_storage(const std::string& left, const std::string& number, const std::string& text,
                       bool bytes) {
  return fmt::format(
      "CASE typeof({0}) WHEN 'text' THEN {1} WHEN 'blob' THEN {2} WHEN 'null' THEN 0 ELSE {3} END", left,
      text, bytes ? 1 : 0, number);
}

std::string one_sided(const std::string& left, std::string_view op, const Operand& right) {
  return by_storage(left, number_test(left, op, right), text_test(left, op, right),
                    op == ">=" || op == ">" || op == "<>");
}

std::optional<std::string> test_sql(const TableSchema& table, const RowTest& test) {
  const std::string column = "t." + quote_identifier(table.columns[test.column].name);
  if (test.op == FilterOperator::kNull) return column + " IS NULL";
  if (test.op == FilterOperator::kNotnull) return column + " IS NOT NULL";
  const auto low = operand(test.low);
  if (!low) return std::nullopt;
  const std::string left = "+" + column;  // without the column's affinity
  switch (test.op) {
    case FilterOperator::kLte: return one_sided(left, "<=", *low);
    case FilterOperator::kGte: return one_sided(left, ">=", *low);
    case FilterOperator::kEq: return one_sided(left, "=", *low);
    case FilterOperator::kNoteq: return one_sided(left, "<>", *low);
    case FilterOperator::kBetween:
    case FilterOperator::kNotbetween: {
      const auto high = operand(test.high);
      if (!high) return std::nullopt;
      if (test.op == FilterOperator::kBetween)
        return one_sided(left, ">=", *low) + " AND " + one_sided(left, "<=", *high);
      return "(" + one_sided(left, "<", *low) + " OR " + one_sided(left, ">", *high) + ")";
    }
    case FilterOperator::kNull:
    case FilterOperator::kNotnull: break;
  }
  return std::nullopt;
}

}  // namespace

std::string condition_sql(const TableSchema& table, const RowCondition& condition, TextEncoding encoding) {
  std::string sql;
  for (const RowCondition::Clause& clause : condition.clauses) {
    std::string tests;
    bool complete = !clause.empty();
    for (const RowTest& test : clause) {
      const bool about_null = test.op == FilterOperator::kNull || test.op == FilterOperator::kNotnull;
      const auto one = encoding == TextEncoding::kUtf8 || about_null ? test_sql(table, test)
                                                                     : std::optional<std::string>();
      complete = complete && one;
      if (one) tests += (tests.empty() ? "" : " OR ") + *one;
    }
    if (complete) sql += (sql.empty() ? "(" : " AND (") + tests + ")";
  }
  return sql;
}

}  // namespace dmskafka::sqlite
