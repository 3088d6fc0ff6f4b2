#include "core/json/json_reader.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "core/json/json_tree.h"

namespace dmskafka {
namespace {

constexpr std::size_t kTextBytesMax = std::size_t{64} << 20U;

Error too_large(const std::string& name) {
  return Error(ErrorCode::kInvalidSettings, fmt::format("{}: more than 64 MiB of JSON", name));
}

// The encoding a text is really in, when it is none of ours. RFC 8259 §8.1: "MUST be encoded using UTF-8". Its first
// two characters are ASCII in any JSON, so zero bytes among the first four tell (RFC 4627 §3).
std::string_view foreign_encoding(std::string_view text) noexcept {
  using std::string_view_literals::operator""sv;
  if (text.starts_with("\xFF\xFE\0\0"sv) || text.starts_with("\0\0\xFE\xFF"sv)) return "UTF-32";
  if (text.starts_with("\xFF\xFE"sv) || text.starts_with("\xFE\xFF"sv)) return "UTF-16";
  std::array<bool, 4> zero{};
  for (std::size_t i = 0; i < 4 && i < text.size(); ++i) zero[i] = text[i] == '\0';
  if (text.size() >= 4 && !zero[0] && zero[1] && zero[2] && zero[3]) return "UTF-32";
  if (text.size() >= 4 && zero[0] && zero[1] && zero[2] && !zero[3]) return "UTF-32";
  if (text.size() >= 2 && zero[0] != zero[1]) return "UTF-16";
  return {};
}

struct FileCloser {
  void operator()(std::FILE* file) const noexcept {
    if (file != stdin) std::fclose(file);
  }
};

Error unreadable(const std::string& path, int error) {
  return Error(ErrorCode::kInvalidSettings, fmt::format("cannot read {}: {}", path, std::strerror(error)));
}

Result<std::string> read_all(const std::string& path) {
  const std::unique_ptr<std::FILE, FileCloser> file(path == "-" ? stdin : std::fopen(path.c_str(), "rb"));
  if (!file) return unreadable(path, errno);
  std::string text;
  std::array<char, 1 << 16> block;
  while (true) {
    errno = 0;
    const std::size_t size = std::fread(block.data(), 1, block.size(), file.get());
    text.append(block.data(), size);
    if (text.size() > kTextBytesMax) return too_large(path);
    if (std::ferror(file.get()) != 0) return unreadable(path, errno);
    if (size < block.size()) return text;
  }
}

}  // namespace

std::string_view json_kind_name(JsonKind kind) noexcept {
  switch (kind) {
    case JsonKind::kNull: return "null";
    case JsonKind::kBoolean: return "a boolean";
    case JsonKind::kNumber: return "a number";
    case JsonKind::kString: return "a string";
    case JsonKind::kArray: return "an array";
    case JsonKind::kObject: return "an object";
  }
  return "a value";
}

std::string_view JsonValue::string() const noexcept {
  assert(kind_ == JsonKind::kString);
  return {static_cast<const char*>(data_), size_};
}

std::string_view JsonValue::number_text() const noexcept {
  assert(kind_ == JsonKind::kNumber);
  return {static_cast<const char*>(data_), size_};
}

bool JsonValue::boolean() const noexcept {
  assert(kind_ == JsonKind::kBoolean);
  return size_ != 0;
}

std::span<const JsonValue> JsonValue::items() const noexcept {
  assert(kind_ == JsonKind::kArray);
  return {static_cast<const JsonValue*>(data_), size_};
}

std::span<const JsonMember> JsonValue::members() const noexcept {
  assert(kind_ == JsonKind::kObject);
  return {static_cast<const JsonMember*>(data_), size_};
}

const JsonValue* JsonValue::find(std::string_view name) const noexcept {
  for (const JsonMember& member : members()) {
    if (member.name == name) return &member.value;
  }
  return nullptr;
}

const JsonValue* JsonValue::find_present(std::string_view name) const noexcept {
  const JsonValue* const value = find(name);
  return value != nullptr && !value->is_null() ? value : nullptr;
}

JsonLocation JsonValue::location() const { return tree_->text.locate(offset_, tree_->pointer_of(offset_)); }
JsonLocation JsonValue::name_location() const {
  return tree_->text.locate(name_offset_, tree_->pointer_of(offset_));
}

JsonDocument::JsonDocument(std::unique_ptr<const JsonTree> tree) : tree_(std::move(tree)) {}
JsonDocument::JsonDocument(JsonDocument&&) noexcept = default;
JsonDocument& JsonDocument::operator=(JsonDocument&&) noexcept = default;
JsonDocument::~JsonDocument() = default;

const JsonValue& JsonDocument::root() const noexcept { return tree_->root; }
bool JsonDocument::had_byte_order_mark() const noexcept { return tree_->had_byte_order_mark; }

Result<JsonDocument> JsonDocument::parse(std::string name, std::string text) {
  if (text.size() > kTextBytesMax) return too_large(name);
  if (const std::string_view encoding = foreign_encoding(text); !encoding.empty()) {
    return Error(ErrorCode::kInvalidSettings, fmt::format("{}: the text is {}", name, encoding))
        .expected("UTF-8");
  }
  const bool had_mark = text.starts_with("\xEF\xBB\xBF");
  if (had_mark) text.erase(0, 3);
  auto tree = std::make_unique<JsonTree>(std::move(name), std::move(text));
  tree->had_byte_order_mark = had_mark;
  if (std::optional<Error> error = build_json_tree(*tree)) return std::move(*error);
  return JsonDocument(std::move(tree));
}

Result<JsonDocument> JsonDocument::parse_file(const std::string& path) {
  DMSKAFKA_ASSIGN(std::string text, read_all(path));
  return parse(path, std::move(text));
}

}  // namespace dmskafka
