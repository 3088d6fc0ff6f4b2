#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/json/json_reader.h"
#include "core/settings/settings_reader.h"

namespace dmskafka {

/// What becomes of a setting that AWS or we know.
enum class Verdict : std::uint8_t {
  kHonoured,
  kNotYet,    ///< read and checked; using it gives a notice with the capability that will give it effect
  kNoEffect,  ///< means nothing here; using it gives a notice that says why
  kSilent,    ///< means nothing here and asks for nothing, e.g. an identifier; no notice
  kRefused,   ///< using it is an error that says what to use instead
};

/// What people are told about a setting: one row of docs/settings.md.
struct FieldInfo {
  std::string_view name;
  std::string type;
  std::string
      fallback;  ///< the default as JSON has it, without quotes; "": none. A value equal to it asks for nothing.
  std::string range;  ///< "": any
  Verdict verdict = Verdict::kHonoured;
  std::string meaning;  ///< kHonoured: what it does; otherwise the reason, capability or replacement
};

/// One value while it is read: checks its form and reports what is wrong at its place. Numbers and booleans may also be
/// written as strings, as CloudFormation, ExtraConnectionAttributes and the AWS CLI's shorthand have them.
class FieldInput {
 public:
  /// `place`: tells problems there instead (the value comes out of a string); null: at the value. `group`: for messages.
  FieldInput(std::string_view group, std::string_view name, const JsonValue& value, const JsonLocation* place,
             Problems& problems)
      : group_(group), name_(name), value_(value), place_(place), problems_(problems) {}

  std::optional<bool> boolean();
  std::optional<std::int64_t> integer(std::int64_t min, std::int64_t max, std::string_view why = {});
  /// `${env:NAME}` and `${file:PATH}` are resolved.
  std::optional<std::string> text();
  /// The index of the name that was meant; case, '_' and '-' do not count.
  std::optional<std::size_t> choice(std::span<const std::string_view> names);
  /// Checks that the value is an array or an object.
  void structure(JsonKind kind);

  const JsonValue& value() const { return value_; }
  const JsonLocation* place() const { return place_; }
  Problems& problems() { return problems_; }
  /// "MessageMaxBytes", as messages call it.
  std::string_view name() const { return name_; }
  /// An error, warning or notice about this value; add it to the list it belongs to.
  Error problem(std::string message) const;
  void fail(Error error) { problems_.errors.push_back(std::move(error)); }
  void fail(std::string message) { fail(problem(std::move(message))); }

 private:
  void wrong_kind(std::string_view wanted);

  std::string_view group_;
  std::string_view name_;
  const JsonValue& value_;
  const JsonLocation* place_;
  Problems& problems_;
};

/// A setting and how it is stored. T: the settings it goes into.
template <typename T>
struct Field : FieldInfo {
  std::function<void(FieldInput&, T&)> read;  ///< checks and stores

  Field&& verdict_is(Verdict value, std::string reason) && {
    verdict = value;
    meaning = std::move(reason);
    return std::move(*this);
  }
  /// Effect comes later: "not yet honoured: <capability>".
  Field&& not_yet(std::string capability) && {
    return std::move(*this).verdict_is(Verdict::kNotYet, std::move(capability));
  }
  Field&& no_effect(std::string why) && {
    return std::move(*this).verdict_is(Verdict::kNoEffect, std::move(why));
  }
  Field&& range_is(std::string text) && {
    range = std::move(text);
    return std::move(*this);
  }
};

/// How an object is read by its table.
struct TableReading {
  Problems& problems;
  const JsonLocation* place = nullptr;  ///< see FieldInput
  bool fold_names = false;              ///< names match in any case: ExtraConnectionAttributes
  /// The group another member belongs to, "" when none: for "belongs to FullLoadSettings". May be empty.
  std::function<std::string_view(std::string_view name)> owner_of = {};
};

namespace field_detail {

bool same_name(std::string_view a, std::string_view b, bool fold);
void unknown_member(std::string_view group, const JsonMember& member, std::span<const std::string_view> names,
                    const TableReading& reading);
/// False: the value is not read; where it is refused, that is said.
bool may_be_read(const FieldInfo& field, FieldInput& input);
/// That a value which was read has no effect, or none yet.
void tell_verdict(const FieldInfo& field, FieldInput& input);
bool expect_object(std::string_view group, const JsonValue& value, const TableReading& reading);

}  // namespace field_detail

/// Checks and stores the value of one setting. A value that is wrong is an error whatever becomes of the setting.
template <typename T>
void read_field(const Field<T>& field, FieldInput& input, T& into) {
  if (!field_detail::may_be_read(field, input)) return;
  const std::size_t errors_before = input.problems().errors.size();
  if (field.read) field.read(input, into);
  if (input.problems().errors.size() == errors_before) field_detail::tell_verdict(field, input);
}

/// A group of settings: the table of its fields is at once its reader and its documentation.
template <typename T>
struct FieldTable {
  std::string_view name;   ///< "KafkaSettings"
  std::string_view about;  ///< one sentence for the documentation
  std::vector<Field<T>> fields;

  /// Reads the members of `object` into `into`; every problem is reported. Null members count as absent.
  void read(const JsonValue& object, T& into, const TableReading& reading) const {
    if (!field_detail::expect_object(name, object, reading)) return;
    for (const JsonMember& member : object.members()) {
      if (const Field<T>* field = find(member.name, reading.fold_names)) {
        if (member.value.is_null()) continue;
        FieldInput input(name, field->name, member.value, reading.place, reading.problems);
        read_field(*field, input, into);
      } else {
        field_detail::unknown_member(name, member, names(), reading);
      }
    }
  }
  const Field<T>* find(std::string_view wanted, bool fold = false) const {
    for (const Field<T>& field : fields) {
      if (field_detail::same_name(field.name, wanted, fold)) return &field;
    }
    return nullptr;
  }
  std::vector<std::string_view> names() const {
    std::vector<std::string_view> all;
    for (const Field<T>& field : fields) all.push_back(field.name);
    return all;
  }
};

/// Bounds of an integer, and the reason for them where it is not obvious ("" otherwise).
struct IntegerRange {
  std::int64_t min;
  std::int64_t max = INT64_MAX;
  std::string_view why = {};
};
std::string range_text(const IntegerRange& range);
std::string choices_text(std::span<const std::string_view> names);

// Builders. The default shown is what a default-constructed T holds.

/// REQUIRES: the range of `bool T::*`-like `get(T&)` is a bool.
template <typename T, typename Get>
Field<T> boolean_field(std::string_view name, Get get, std::string meaning) {
  T defaults;
  return {{name, "boolean", get(defaults) ? "true" : "false", "", Verdict::kHonoured, std::move(meaning)},
          [get](FieldInput& input, T& into) {
            if (const auto value = input.boolean()) get(into) = *value;
          }};
}

template <typename T, typename Get>
Field<T> integer_field(std::string_view name, Get get, IntegerRange range, std::string meaning) {
  T defaults;
  return {{name, "integer", std::to_string(get(defaults)), range_text(range), Verdict::kHonoured,
           std::move(meaning)},
          [get, range](FieldInput& input, T& into) {
            using Value = std::remove_reference_t<decltype(get(into))>;
            if (const auto value = input.integer(range.min, range.max, range.why))
              get(into) = static_cast<Value>(*value);
          }};
}

template <typename T, typename Get>
Field<T> optional_integer_field(std::string_view name, Get get, IntegerRange range, std::string fallback,
                                std::string meaning) {
  return {{name, "integer", std::move(fallback), range_text(range), Verdict::kHonoured, std::move(meaning)},
          [get, range](FieldInput& input, T& into) {
            using Value = typename std::remove_reference_t<decltype(get(into))>::value_type;
            if (const auto value = input.integer(range.min, range.max, range.why))
              get(into) = static_cast<Value>(*value);
          }};
}

template <typename T, typename Get>
Field<T> text_field(std::string_view name, Get get, std::string meaning) {
  T defaults;
  return {{name, "string", get(defaults), "", Verdict::kHonoured, std::move(meaning)},
          [get](FieldInput& input, T& into) {
            if (auto value = input.text()) get(into) = std::move(*value);
          }};
}

/// The names stand in the order of the enumerators, from 0.
template <typename T, typename Get>
Field<T> choice_field(std::string_view name, Get get, std::span<const std::string_view> names,
                      std::string meaning) {
  T defaults;
  const auto fallback = static_cast<std::size_t>(get(defaults));
  return {{name, "choice", fallback < names.size() ? std::string(names[fallback]) : "", choices_text(names),
           Verdict::kHonoured, std::move(meaning)},
          [get, names](FieldInput& input, T& into) {
            using Value = std::remove_reference_t<decltype(get(into))>;
            if (const auto index = input.choice(names)) get(into) = static_cast<Value>(*index);
          }};
}

// Settings that are kept nowhere: checked like others, and told without effect unless not_yet() follows. `fallback`: AWS's
// default, which asks for nothing.

template <typename T>
Field<T> unused_boolean(std::string_view name, std::string fallback) {
  return {{name, "boolean", std::move(fallback), "", Verdict::kNoEffect, ""},
          [](FieldInput& input, T&) { (void)input.boolean(); }};
}
template <typename T>
Field<T> unused_integer(std::string_view name, std::string fallback, IntegerRange range) {
  std::string bounds = range_text(range);
  if (!range.why.empty()) bounds += "; " + std::string(range.why);
  return {{name, "integer", std::move(fallback), std::move(bounds), Verdict::kNoEffect, ""},
          [range](FieldInput& input, T&) { (void)input.integer(range.min, range.max, range.why); }};
}
template <typename T>
Field<T> unused_text(std::string_view name, std::string fallback) {
  return {{name, "string", std::move(fallback), "", Verdict::kNoEffect, ""},
          [](FieldInput& input, T&) { (void)input.text(); }};
}
/// REQUIRES: `names` live as long as the program.
template <typename T>
Field<T> unused_choice(std::string_view name, std::string fallback, std::span<const std::string_view> names) {
  return {{name, "choice", std::move(fallback), choices_text(names), Verdict::kNoEffect, ""},
          [names](FieldInput& input, T&) { (void)input.choice(names); }};
}
template <typename T>
Field<T> unused_object(std::string_view name) {
  return {{name, "object", "", "", Verdict::kNoEffect, ""},
          [](FieldInput& input, T&) { input.structure(JsonKind::kObject); }};
}
template <typename T>
Field<T> refused_field(std::string_view name, std::string_view type, std::string instead,
                       std::string fallback = {}) {
  return {{name, std::string(type), std::move(fallback), "", Verdict::kRefused, std::move(instead)}, nullptr};
}
template <typename T>
Field<T> silent_field(std::string_view name) {
  return {{name, "any", "", "", Verdict::kSilent, "AWS's own bookkeeping"}, nullptr};
}

}  // namespace dmskafka

/// How builders reach a member: DMSKAFKA_MEMBER(max_full_load_sub_tasks), also of a nested struct.
#define DMSKAFKA_MEMBER(...) \
  [](auto& settings) -> auto& { return settings.__VA_ARGS__; }
