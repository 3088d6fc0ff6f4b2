#include "core/settings/field_table.h"

#include <fmt/format.h>

#include <charconv>

#include "core/settings/references.h"

namespace dmskafka {
namespace {

// Null when the value is no scalar.
std::optional<std::string_view> scalar_text(const JsonValue& value) {
  switch (value.kind()) {
    case JsonKind::kBoolean: return value.boolean() ? "true" : "false";
    case JsonKind::kNumber: return value.number_text();
    case JsonKind::kString: return value.string();
    case JsonKind::kNull:
    case JsonKind::kArray:
    case JsonKind::kObject: break;
  }
  return std::nullopt;
}

bool asks_for_nothing(const FieldInfo& field, const JsonValue& value) {
  const auto text = scalar_text(value);
  return text &&
         (text->empty() || (!field.fallback.empty() && folded_name(*text) == folded_name(field.fallback)));
}

}  // namespace

Error FieldInput::problem(std::string message) const {
  return Error(ErrorCode::kInvalidSettings, std::move(message))
      .at(place_ != nullptr ? *place_ : value_.location());
}

void FieldInput::wrong_kind(std::string_view wanted) {
  fail(problem(fmt::format("{} is {}", name_, json_kind_name(value_.kind()))).expected(std::string(wanted)));
}

std::optional<bool> FieldInput::boolean() {
  if (value_.kind() == JsonKind::kBoolean) return value_.boolean();
  if (value_.is_string()) {
    const std::string word = folded_name(value_.string());
    if (word == "true") return true;
    if (word == "false") return false;
  }
  wrong_kind("true or false");
  return std::nullopt;
}

std::optional<std::int64_t> FieldInput::integer(std::int64_t min, std::int64_t max, std::string_view why) {
  const bool is_text = value_.is_string();
  if (!is_text && value_.kind() != JsonKind::kNumber) return wrong_kind("an integer"), std::nullopt;
  const std::string_view digits = is_text ? value_.string() : value_.number_text();
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  const bool too_large = error == std::errc::result_out_of_range;
  if (!too_large && (error != std::errc() || end != digits.data() + digits.size())) {
    fail(problem(fmt::format("{} is no integer", name_)).expected("an integer"));
    return std::nullopt;
  }
  if (too_large || number < min || number > max) {
    Error error_here = problem(fmt::format("{} {} is out of range", name_, digits));
    fail(std::move(error_here)
             .expected(range_text({min, max}) + (why.empty() ? "" : fmt::format("; {}", why))));
    return std::nullopt;
  }
  return number;
}

std::optional<std::string> FieldInput::text() {
  if (!value_.is_string()) return wrong_kind("a string"), std::nullopt;
  Result<std::string> resolved = resolve_references(value_.string());
  if (resolved) return std::move(resolved).value();
  fail(problem(fmt::format("{}: {}", name_, resolved.error().message()))
           .expected(resolved.error().expectation()));
  return std::nullopt;
}

void FieldInput::structure(JsonKind kind) {
  if (value_.kind() != kind) wrong_kind(kind == JsonKind::kArray ? "an array" : "an object");
}

std::optional<std::size_t> FieldInput::choice(std::span<const std::string_view> names) {
  if (!value_.is_string()) return wrong_kind(choices_text(names)), std::nullopt;
  const std::string word = folded_name(value_.string());
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (folded_name(names[i]) == word) return i;
  }
  fail(problem(fmt::format("unknown {} \"{}\"", name_, value_.string())).expected(choices_text(names)));
  return std::nullopt;
}

std::string range_text(const IntegerRange& range) {
  if (range.max == INT64_MAX && range.min == INT64_MIN) return "";
  if (range.max == INT64_MAX) return fmt::format("{} or more", range.min);
  return fmt::format("{} to {}", range.min, range.max);
}

std::string choices_text(std::span<const std::string_view> names) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i != 0) text += i + 1 == names.size() ? " or " : ", ";
    text += names[i];
  }
  return text;
}

namespace field_detail {

bool same_name(std::string_view a, std::string_view b, bool fold) {
  return fold ? folded_name(a) == folded_name(b) : a == b;
}

void unknown_member(std::string_view group, const JsonMember& member, std::span<const std::string_view> names,
                    const TableReading& reading) {
  Error error =
      Error(ErrorCode::kInvalidSettings, fmt::format("{} has no setting \"{}\"", group, member.name))
          .at(reading.place != nullptr ? *reading.place : member.value.name_location());
  const std::string_view owner = reading.owner_of ? reading.owner_of(member.name) : std::string_view();
  const std::string_view nearest = nearest_name(member.name, names);
  if (!owner.empty()) {
    error = std::move(error).expected(fmt::format("it in {}: {} belongs to {}", owner, member.name, owner));
  } else if (!nearest.empty()) {
    error = std::move(error).expected(fmt::format("\"{}\"", nearest));
  }
  reading.problems.errors.push_back(std::move(error));
}

bool may_be_read(const FieldInfo& field, FieldInput& input) {
  if (field.verdict == Verdict::kRefused && !asks_for_nothing(field, input.value())) {
    input.fail(input.problem(fmt::format("{} is not supported", field.name)).hint(field.meaning));
  }
  return field.verdict != Verdict::kRefused && field.verdict != Verdict::kSilent;
}

void tell_verdict(const FieldInfo& field, FieldInput& input) {
  if (field.verdict == Verdict::kHonoured || asks_for_nothing(field, input.value())) return;
  const std::string_view what =
      field.verdict == Verdict::kNotYet ? "is not yet honoured" : "has no effect here";
  input.problems().notices.push_back(
      input.problem(fmt::format("{} {}: {}", field.name, what, field.meaning)));
}

bool expect_object(std::string_view group, const JsonValue& value, const TableReading& reading) {
  if (value.is_object()) return true;
  reading.problems.errors.push_back(
      Error(ErrorCode::kInvalidSettings, fmt::format("{} is {}", group, json_kind_name(value.kind())))
          .at(reading.place != nullptr ? *reading.place : value.location())
          .expected("an object"));
  return false;
}

}  // namespace field_detail
}  // namespace dmskafka
