#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace dmskafka {

enum class JsonKind : std::uint8_t { kNull, kBoolean, kNumber, kString, kArray, kObject };
/// "null", "a boolean", "a number", "a string", "an array", "an object": as messages say it.
std::string_view json_kind_name(JsonKind kind) noexcept;

class JsonDocument;
class JsonTreeBuilder;
struct JsonMember;
struct JsonTree;

/// One value of a JsonDocument. Immutable; lives as long as the document. Every value knows its place, so that a
/// message about it can quote the line (location()).
class JsonValue {
 public:
  JsonKind kind() const noexcept { return kind_; }
  bool is_null() const noexcept { return kind_ == JsonKind::kNull; }
  bool is_object() const noexcept { return kind_ == JsonKind::kObject; }
  bool is_array() const noexcept { return kind_ == JsonKind::kArray; }
  bool is_string() const noexcept { return kind_ == JsonKind::kString; }

  /// REQUIRES: kString. Unescaped UTF-8.
  std::string_view string() const noexcept;
  /// REQUIRES: kNumber. The digits as the file has them, e.g. "8" or "1e3".
  std::string_view number_text() const noexcept;
  /// REQUIRES: kBoolean.
  bool boolean() const noexcept;
  /// REQUIRES: kArray.
  std::span<const JsonValue> items() const noexcept;
  /// REQUIRES: kObject. In the order of the file; names are unique (a name written twice is a parse error).
  std::span<const JsonMember> members() const noexcept;
  /// REQUIRES: kObject. Null when there is none; a member that is null is returned like any other.
  const JsonValue* find(std::string_view name) const noexcept;
  /// find(), with null members counting as absent (AWS's own describe output is full of them).
  const JsonValue* find_present(std::string_view name) const noexcept;

  /// The place of the value itself.
  JsonLocation location() const;
  /// The place of the member's name, for messages about an unknown member. For values that are no member: location().
  JsonLocation name_location() const;

 private:
  friend class JsonDocument;
  friend class JsonTreeBuilder;
  friend struct JsonTree;

  const JsonTree* tree_ = nullptr;
  const void* data_ = nullptr;   // the text, the items or the members
  std::size_t size_ = 0;         // of what data_ points to; of a boolean: 0 or 1
  std::size_t offset_ = 0;       // of the value's first byte in the document
  std::size_t name_offset_ = 0;  // of its name's opening quote; of a value that is no member: offset_
  JsonKind kind_ = JsonKind::kNull;
};

struct JsonMember {
  std::string_view name;  ///< Unescaped UTF-8.
  JsonValue value;
};

/// A parsed JSON text. Movable; values stay valid through a move.
class JsonDocument {
 public:
  /// Parses the whole text. `name` is what messages call it (a file name, "--table-mappings", "-").
  /// Errors: kInvalidSettings with file, line, column, the quoted line and what was expected, for: anything RFC 8259
  /// forbids (comments, trailing commas, text after the end …), a member name written twice in one object, invalid UTF-8,
  /// UTF-16 or UTF-32 (named as such), more than 128 levels of nesting, more than 64 MiB.
  /// A UTF-8 byte order mark is skipped; had_byte_order_mark() tells, so that callers can warn.
  static Result<JsonDocument> parse(std::string name, std::string text);
  /// Reads the file ("-": standard input, once) and parses it. Errors: as parse(); kInvalidSettings when it can't be read.
  static Result<JsonDocument> parse_file(const std::string& path);

  const JsonValue& root() const noexcept;
  bool had_byte_order_mark() const noexcept;

  JsonDocument(JsonDocument&&) noexcept;
  JsonDocument& operator=(JsonDocument&&) noexcept;
  ~JsonDocument();

 private:
  explicit JsonDocument(std::unique_ptr<const JsonTree> tree);
  std::unique_ptr<const JsonTree> tree_;
};

/// A name as it is compared where spelling varies: lower case, without '_' and '-'.
std::string folded_name(std::string_view word);

/// The candidate nearest to `word` by edit distance (case, '_' and '-' cost nothing), or "" when none is near enough to be
/// meant: the "did you mean" of every message.
std::string_view nearest_name(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace dmskafka
