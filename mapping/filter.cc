#include "mapping/filter.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <string_view>
#include <utility>

#include "mapping/rule_fields.h"
#include "mapping/shown_table.h"

namespace dmskafka {

namespace {

constexpr std::array<std::string_view, 3> kFilterMembers = {"filter-type", "column-name",
                                                            "filter-conditions"};
constexpr std::array<std::string_view, 4> kConditionMembers = {"filter-operator", "value", "start-value",
                                                               "end-value"};
constexpr std::array<std::string_view, 1> kFilterTypes = {"source"};
constexpr std::array<std::string_view, 9> kOperators = {"lte",        "gte",  "eq",      "noteq", "between",
                                                        "notbetween", "null", "notnull", "ste"};

bool is_negative(FilterOperator op) noexcept {
  return op == FilterOperator::kNoteq || op == FilterOperator::kNotbetween || op == FilterOperator::kNotnull;
}

// A value may be written as text or as a number.
std::optional<std::string> read_operand(const JsonValue& condition, std::string_view name,
                                        Problems& problems) {
  const JsonValue* value = condition.find_present(name);
  if (value != nullptr && value->is_string()) return std::string(value->string());
  if (value != nullptr && value->kind() == JsonKind::kNumber) return std::string(value->number_text());
  problems.errors.push_back(
      value == nullptr ? mapping_error(condition, fmt::format("a filter condition has no \"{}\"", name))
                       : mapping_error(*value, fmt::format("{} is {}", name, json_kind_name(value->kind())))
                             .expected("a string"));
  return std::nullopt;
}

std::optional<FilterCondition> read_condition(const JsonValue& json, Problems& problems) {
  if (!json.is_object()) {
    problems.errors.push_back(
        mapping_error(json, fmt::format("a filter condition is {}", json_kind_name(json.kind())))
            .expected("an object"));
    return std::nullopt;
  }
  check_members(json, kConditionMembers, "a filter condition", problems);
  const auto word =
      read_word(json, "filter-operator", Presence::kRequired, kOperators, "a filter condition", problems);
  if (!word) return std::nullopt;
  FilterCondition condition;
  // "ste" is the same as "lte".
  condition.op = *word == 8 ? FilterOperator::kLte : static_cast<FilterOperator>(*word);
  condition.at = json.location();
  if (condition.op == FilterOperator::kNull || condition.op == FilterOperator::kNotnull) return condition;
  const bool range = condition.op == FilterOperator::kBetween || condition.op == FilterOperator::kNotbetween;
  auto low = read_operand(json, range ? "start-value" : "value", problems);
  auto high = range ? read_operand(json, "end-value", problems) : std::string();
  if (!low || !high) return std::nullopt;
  condition.low = std::move(*low);
  condition.high = std::move(*high);
  return condition;
}

// SPEC: "at most one condition if it is negative".
void check_negative(const JsonValue& conditions, const Filter& filter, Problems& problems) {
  for (const FilterCondition& condition : filter.conditions) {
    if (filter.conditions.size() == 1 || !is_negative(condition.op)) continue;
    problems.errors.push_back(
        mapping_error(
            conditions,
            fmt::format("\"{}\" beside other conditions: conditions are joined by OR, so it would pass rows "
                        "that another one is to keep out",
                        kOperators[static_cast<std::size_t>(condition.op)]))
            .expected("a filter of its own"));
    return;
  }
}

bool is_number_kind(ValueKind kind) noexcept {
  switch (kind) {
    case ValueKind::kInteger:
    case ValueKind::kFloat4:
    case ValueKind::kFloat8:
    case ValueKind::kDecimal:
    case ValueKind::kDecimalAsString:
    case ValueKind::kMoney: return true;
    case ValueKind::kBooleanAsString:
    case ValueKind::kBoolean:
    case ValueKind::kString:
    case ValueKind::kBlankTrimmedString:
    case ValueKind::kDate:
    case ValueKind::kTimestamp:
    case ValueKind::kTimestampUtc:
    case ValueKind::kTime:
    case ValueKind::kTimeWithZone:
    case ValueKind::kHexBytes:
    case ValueKind::kDynamic: break;
  }
  return false;
}

bool is_boolean_kind(ValueKind kind) noexcept {
  return kind == ValueKind::kBoolean || kind == ValueKind::kBooleanAsString;
}

std::string_view boolean_digit(std::string_view text) noexcept {
  if (text == "t" || text == "true" || text == "1") return "1";
  if (text == "f" || text == "false" || text == "0") return "0";
  return text;
}

int sign_of(int difference) noexcept { return difference < 0 ? -1 : difference > 0 ? 1 : 0; }

int compare_bytes(std::string_view a, std::string_view b) noexcept { return sign_of(a.compare(b)); }

// A moment as databases print it: the year and the rest, whose bytes are in order within a year.
struct Moment {
  std::int64_t year;
  std::string_view rest;
};
std::optional<Moment> moment_of(std::string_view text) noexcept {
  constexpr std::int64_t kForever = std::numeric_limits<std::int64_t>::max();
  if (text == "infinity") return Moment{kForever, ""};
  if (text == "-infinity") return Moment{-kForever, ""};
  const bool before_christ = text.ends_with(" BC");
  if (before_christ) text.remove_suffix(3);
  Moment moment{};
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, moment.year);
  if (parsed.ec != std::errc() || parsed.ptr == end || *parsed.ptr != '-' || moment.year < 0)
    return std::nullopt;
  moment.rest = {parsed.ptr, static_cast<std::size_t>(end - parsed.ptr)};
  if (before_christ) moment.year = -moment.year;
  return moment;
}

// In the order of time. Four digits of a year stand in the order of their bytes, and nearly every value has them.
int compare_moments(std::string_view a, std::string_view b) noexcept {
  const auto usual = [](std::string_view text) {
    return text.size() > 4 && text[4] == '-' && !text.ends_with("BC");
  };
  if (usual(a) && usual(b)) return compare_bytes(a, b);
  const auto moment_a = moment_of(a);
  const auto moment_b = moment_of(b);
  if (!moment_a || !moment_b) return compare_bytes(a, b);
  if (moment_a->year != moment_b->year) return moment_a->year < moment_b->year ? -1 : 1;
  return compare_bytes(moment_a->rest, moment_b->rest);
}

// By value, however many digits: REQUIRES: both valid.
int compare_exact(const NumberText& a, const NumberText& b) noexcept {
  const auto is_zero = [](const NumberText& n) { return n.whole.empty() && n.fraction.empty(); };
  const bool a_below = a.negative && !is_zero(a);
  const bool b_below = b.negative && !is_zero(b);
  if (a_below != b_below) return a_below ? -1 : 1;
  int size = 0;
  if (a.whole.size() != b.whole.size()) {
    size = a.whole.size() < b.whole.size() ? -1 : 1;
  } else if ((size = compare_bytes(a.whole, b.whole)) == 0) {
    size = compare_bytes(a.fraction, b.fraction);  // without trailing zeros
  }
  return a_below ? -size : size;
}

// A double's text; too large a one is an infinity. nullopt: no number.
std::optional<double> real_of(std::string_view text) {
  double real = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), real);
  if (parsed.ptr != text.data() + text.size() || parsed.ec == std::errc::invalid_argument)
    return std::nullopt;
  if (parsed.ec == std::errc()) return real;
  return std::strtod(std::string(text).c_str(), nullptr);
}

bool is_number(std::string_view text) { return NumberText::parse(text).valid || real_of(text).has_value(); }

int compare_numbers(std::string_view a, std::string_view b) {
  const NumberText exact_a = NumberText::parse(a);
  const NumberText exact_b = NumberText::parse(b);
  if (exact_a.valid && exact_b.valid) return compare_exact(exact_a, exact_b);
  const auto real_a = real_of(a);
  const auto real_b = real_of(b);
  // What is no number stands behind every number, as SQLite orders text; NaN is PostgreSQL's greatest number.
  if (!real_a || !real_b) return real_a ? -1 : 1;
  if (std::isnan(*real_a) || std::isnan(*real_b))
    return (std::isnan(*real_a) ? 1 : 0) - (std::isnan(*real_b) ? 1 : 0);
  return *real_a < *real_b ? -1 : *real_a > *real_b ? 1 : 0;
}

// "0044-03-15 12:00:00+00 BC" without the zone, which is always UTC.
std::string_view without_zone(std::string_view text, std::array<char, 48>& work) noexcept {
  if (text.ends_with("+00")) return text.substr(0, text.size() - 3);
  if (!text.ends_with("+00 BC") || text.size() > work.size()) return text;
  const std::size_t size = text.size() - 6;
  std::memcpy(work.data(), text.data(), size);
  std::memcpy(work.data() + size, " BC", 3);
  return {work.data(), size + 3};
}

// "$1,234.50" without sign and commas.
std::string_view plain_money(std::string_view text, std::array<char, 64>& work) noexcept {
  if (text.size() > work.size()) return text;
  std::size_t size = 0;
  for (const char c : text) {
    if (c != '$' && c != ',') work[size++] = c;
  }
  return {work.data(), size};
}

}  // namespace

std::vector<Filter> read_filters(const JsonValue& filters, Problems& problems) {
  std::vector<Filter> result;
  if (!filters.is_array()) {
    problems.errors.push_back(
        mapping_error(filters, fmt::format("filters is {}", json_kind_name(filters.kind())))
            .expected("an array"));
    return result;
  }
  for (const JsonValue& json : filters.items()) {
    if (!json.is_object()) {
      problems.errors.push_back(
          mapping_error(json, fmt::format("a filter is {}", json_kind_name(json.kind())))
              .expected("an object"));
      continue;
    }
    check_members(json, kFilterMembers, "a filter", problems);
    (void)read_word(json, "filter-type", Presence::kRequired, kFilterTypes, "a filter", problems);
    const auto column = read_text(json, "column-name", Presence::kRequired, "a filter", problems);
    const JsonValue* conditions = json.find_present("filter-conditions");
    if (conditions == nullptr || !conditions->is_array() || conditions->items().empty()) {
      problems.errors.push_back(
          mapping_error(conditions == nullptr ? json : *conditions, "a filter has no \"filter-conditions\"")
              .expected("an array of conditions"));
      continue;
    }
    if (!column) continue;
    Filter filter{std::string(*column), json.find("column-name")->location(), {}};
    for (const JsonValue& condition : conditions->items()) {
      if (auto read = read_condition(condition, problems)) filter.conditions.push_back(std::move(*read));
    }
    check_negative(*conditions, filter, problems);
    result.push_back(std::move(filter));
  }
  return result;
}

Result<RowFilter> RowFilter::compile(const std::vector<Filter>& filters, const TableSchema& table) {
  RowFilter result;
  std::vector<std::string> names;
  for (const ColumnSchema& column : table.columns) names.push_back(column.name);
  for (const Filter& filter : filters) {
    const ColumnMatch match = find_column_of_rule(filter.column, names);
    if (!match.index) return rule_misfit(filter.column_at, table.name, match);
    const ColumnSchema& schema = table.columns[*match.index];
    if (schema.lob) {
      return Error(ErrorCode::kInvalidMapping,
                   fmt::format("column \"{}\" of {} is a LOB, which no filter may use", schema.name,
                               table.name.text()))
          .at(filter.column_at);
    }
    Column column{*match.index, schema.value_kind, {}};
    RowCondition::Clause clause;
    for (const FilterCondition& condition : filter.conditions) {
      Condition compiled{condition.op, {}, {}};
      if (condition.op != FilterOperator::kNull && condition.op != FilterOperator::kNotnull) {
        DMSKAFKA_ASSIGN(compiled.low, operand(condition.low, condition, schema));
      }
      if (condition.op == FilterOperator::kBetween || condition.op == FilterOperator::kNotbetween) {
        DMSKAFKA_ASSIGN(compiled.high, operand(condition.high, condition, schema));
      }
      clause.push_back({*match.index, condition.op, compiled.low.text, compiled.high.text});
      column.conditions.push_back(std::move(compiled));
    }
    result.condition_.clauses.push_back(std::move(clause));
    result.columns_.push_back(std::move(column));
  }
  return result;
}

Result<RowFilter::Operand> RowFilter::operand(std::string text, const FilterCondition& condition,
                                              const ColumnSchema& column) {
  Operand result;
  if (is_boolean_kind(column.value_kind)) text = boolean_digit(text);
  if (column.value_kind == ValueKind::kTimestamp || column.value_kind == ValueKind::kTimestampUtc) {
    // AWS's form has a blank; the form of our own messages is taken, too.
    if (text.size() > 10 && text[10] == 'T') text[10] = ' ';
    if (text.ends_with('Z')) text.pop_back();
  }
  if (is_number(text)) result.number = text;
  if (is_number_kind(column.value_kind) && !result.number) {
    return Error(ErrorCode::kInvalidMapping,
                 fmt::format("\"{}\" is no number, and column \"{}\" holds numbers", text, column.name))
        .at(condition.at);
  }
  result.text = std::move(text);
  return result;
}

bool RowFilter::asks_only(std::span<const std::uint32_t> columns) const noexcept {
  return std::all_of(columns_.begin(), columns_.end(), [&](const Column& column) {
    return std::find(columns.begin(), columns.end(), column.index) != columns.end();
  });
}

bool RowFilter::passes(RowView row) const {
  for (const Column& column : columns_) {
    if (column.index >= row.size() || !row[column.index].is_known()) continue;
    bool passed = false;
    for (const Condition& condition : column.conditions) {
      passed = passed || holds(condition, column.kind, row[column.index]);
    }
    if (!passed) return false;
  }
  return true;
}

bool RowFilter::holds(const Condition& condition, ValueKind kind, const Value& value) {
  if (condition.op == FilterOperator::kNull) return value.is_null();
  if (value.is_null()) return false;
  switch (condition.op) {
    case FilterOperator::kLte: return compare(kind, value, condition.low) <= 0;
    case FilterOperator::kGte: return compare(kind, value, condition.low) >= 0;
    case FilterOperator::kEq: return compare(kind, value, condition.low) == 0;
    case FilterOperator::kNoteq: return compare(kind, value, condition.low) != 0;
    case FilterOperator::kBetween:
      return compare(kind, value, condition.low) >= 0 && compare(kind, value, condition.high) <= 0;
    case FilterOperator::kNotbetween:
      return compare(kind, value, condition.low) < 0 || compare(kind, value, condition.high) > 0;
    case FilterOperator::kNull: return false;
    case FilterOperator::kNotnull: return true;
  }
  return true;
}

int RowFilter::compare(ValueKind kind, const Value& value, const Operand& operand) {
  std::string_view text = value.view();
  std::array<char, 64> work;
  switch (value.form()) {
    case ValueForm::kReal: {
      double real = 0;
      std::memcpy(&real, text.data(), sizeof real);
      const auto written = std::to_chars(work.data(), work.data() + work.size(), real);
      text = {work.data(), static_cast<std::size_t>(written.ptr - work.data())};
      return operand.number ? compare_numbers(text, *operand.number) : -1;
    }
    case ValueForm::kInteger: return operand.number ? compare_numbers(text, *operand.number) : -1;
    case ValueForm::kBytes: return 1;  // SQLite orders bytes behind everything else
    case ValueForm::kText: break;
    case ValueForm::kAbsent:
    case ValueForm::kUnchanged:
    case ValueForm::kNull: return 1;
  }
  if (kind == ValueKind::kMoney) text = plain_money(text, work);
  if (is_number_kind(kind)) return compare_numbers(text, *operand.number);
  if (is_boolean_kind(kind)) return compare_bytes(boolean_digit(text), operand.text);
  std::array<char, 48> zoneless;
  if (kind == ValueKind::kTimestampUtc) text = without_zone(text, zoneless);
  if (kind == ValueKind::kBlankTrimmedString) {
    while (text.ends_with(' ')) text.remove_suffix(1);
  }
  const bool moments =
      kind == ValueKind::kDate || kind == ValueKind::kTimestamp || kind == ValueKind::kTimestampUtc;
  return moments ? compare_moments(text, operand.text) : compare_bytes(text, operand.text);
}

}  // namespace dmskafka
