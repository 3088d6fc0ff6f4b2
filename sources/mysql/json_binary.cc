#include "sources/mysql/json_binary.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <variant>

#include "sources/mysql/binlog_values.h"
#include "sources/mysql/canonical_text.h"
#include "sources/mysql/event_reader.h"
#include "sources/mysql/table_map.h"

namespace dmskafka::mysql {
namespace {

constexpr int kDepthMax = 110;  // the server allows 100

enum Type : std::uint8_t {
  kSmallObject = 0,
  kLargeObject = 1,
  kSmallArray = 2,
  kLargeArray = 3,
  kLiteral = 4,
  kInt16 = 5,
  kUint16 = 6,
  kInt32 = 7,
  kUint32 = 8,
  kInt64 = 9,
  kUint64 = 10,
  kDouble = 11,
  kString = 12,
  kOpaque = 15,
};

/// Seven bits a byte, low ones first.
std::uint64_t variable_length(EventReader& reader) noexcept {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 35; shift += 7) {
    const std::uint8_t byte = reader.u8();
    value |= std::uint64_t{byte & 0x7FU} << shift;
    if ((byte & 0x80U) == 0) return value;
  }
  reader.fail();
  return 0;
}

template <typename Number>
void append_number(Number number, ByteBuffer& out) {
  char* const begin = out.reserve(24);
  out.advance(static_cast<std::size_t>(std::to_chars(begin, begin + 24, number).ptr - begin));
}

bool append_double(double value, ByteBuffer& out) {
  if (!std::isfinite(value)) return false;
  char* const begin = out.reserve(kFloatTextSizeMax + 2);
  char* end = print_float8(value, begin);
  // A double that is whole shows that it is none of the integers.
  if (std::find_if(begin, end, [](char c) { return c == '.' || c == 'e'; }) == end) {
    *end++ = '.';
    *end++ = '0';
  }
  out.advance(static_cast<std::size_t>(end - begin));
  return true;
}

void append_quoted(std::string_view text, ByteBuffer& out) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out.append('"');
  std::size_t from = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    out.append(text.substr(from, i - from));
    from = i + 1;
    switch (c) {
      case '"': out.append("\\\""); break;
      case '\\': out.append("\\\\"); break;
      case '\b': out.append("\\b"); break;
      case '\f': out.append("\\f"); break;
      case '\n': out.append("\\n"); break;
      case '\r': out.append("\\r"); break;
      case '\t': out.append("\\t"); break;
      default:
        out.append("\\u00");
        out.append(kHex[c >> 4U]);
        out.append(kHex[c & 15U]);
    }
  }
  out.append(text.substr(from));
  out.append('"');
}

void append_base64(std::string_view bytes, ByteBuffer& out) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  constexpr std::size_t kLine = 76;  // the server breaks its lines there
  std::size_t on_line = 0;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    if (on_line == kLine) {
      out.append('\n');
      on_line = 0;
    }
    std::uint32_t group = 0;
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    for (std::size_t j = 0; j < 3; ++j) {
      group = group << 8U | (j < count ? static_cast<unsigned char>(bytes[i + j]) : 0U);
    }
    for (std::size_t j = 0; j < 4; ++j) {
      out.append(j > count ? '=' : kDigits[group >> (18 - 6 * j) & 63U]);
    }
    on_line += 4;
  }
}

bool append_opaque(std::uint8_t type, std::string_view bytes, ByteBuffer& out) {
  const auto field = static_cast<BinlogType>(type);
  char* begin = out.reserve(kValueTextSize + 2);
  char* end = nullptr;
  if (field == BinlogType::kNewDecimal) {
    if (bytes.size() < 2) return false;
    const auto precision = static_cast<unsigned char>(bytes[0]);
    const auto scale = static_cast<unsigned char>(bytes[1]);
    if (precision > 65 || scale > precision) return false;
    end = write_decimal(bytes.substr(2), precision, scale, begin);
    if (end == nullptr) return false;
    out.advance(static_cast<std::size_t>(end - begin));
    return true;
  }
  const bool is_time = field == BinlogType::kTime || field == BinlogType::kDate ||
                       field == BinlogType::kDatetime || field == BinlogType::kTimestamp;
  if (is_time) {
    if (bytes.size() != 8) return false;
    std::int64_t packed = 0;
    std::memcpy(&packed, bytes.data(), sizeof packed);
    *begin++ = '"';
    end = field == BinlogType::kTime   ? write_packed_time(packed, begin)
          : field == BinlogType::kDate ? write_packed_date(packed, begin)
                                       : write_packed_datetime(packed, begin);
    if (end == nullptr) return false;
    *end++ = '"';
    out.advance(static_cast<std::size_t>(end - begin) + 1);
    return true;
  }
  out.append("\"base64:type");
  append_number(unsigned{type}, out);
  out.append(':');
  append_base64(bytes, out);
  out.append('"');
  return true;
}

/// A value that is no container. `bytes` begin with it and may go on behind.
bool append_scalar(std::uint8_t type, std::string_view bytes, ByteBuffer& out) {
  EventReader reader(bytes);
  switch (type) {
    case kLiteral: {
      const std::uint8_t literal = reader.u8();
      if (!reader.ok() || literal > 2) return false;
      out.append(literal == 0 ? "null" : literal == 1 ? "true" : "false");
      return true;
    }
    case kInt16: append_number(static_cast<std::int16_t>(reader.u16()), out); break;
    case kUint16: append_number(reader.u16(), out); break;
    case kInt32: append_number(static_cast<std::int32_t>(reader.u32()), out); break;
    case kUint32: append_number(reader.u32(), out); break;
    case kInt64: append_number(static_cast<std::int64_t>(reader.u64()), out); break;
    case kUint64: append_number(reader.u64(), out); break;
    case kDouble: {
      const auto value = std::bit_cast<double>(reader.u64());
      return reader.ok() && append_double(value, out);
    }
    case kString: {
      const std::string_view text = reader.bytes(variable_length(reader));
      if (!reader.ok()) return false;
      append_quoted(text, out);
      return true;
    }
    case kOpaque: {
      const std::uint8_t field = reader.u8();
      const std::string_view content = reader.bytes(variable_length(reader));
      return reader.ok() && append_opaque(field, content, out);
    }
    default: return false;
  }
  return reader.ok();
}

/// An object or array, whose offsets count from its own begin.
class Container {
 public:
  static std::optional<Container> open(std::uint8_t type, std::string_view bytes) noexcept {
    Container container;
    container.large_ = type == kLargeObject || type == kLargeArray;
    container.object_ = type == kSmallObject || type == kLargeObject;
    EventReader reader(bytes);
    container.count_ = reader.little_endian(container.offset_size());
    const std::uint64_t size = reader.little_endian(container.offset_size());
    if (!reader.ok() || size > bytes.size()) return std::nullopt;
    container.bytes_ = bytes.substr(0, static_cast<std::size_t>(size));
    const std::uint64_t entries = container.count_ * (container.value_entry_size() +
                                                      (container.object_ ? container.key_entry_size() : 0));
    if (2 * container.offset_size() + entries > size) return std::nullopt;
    return container;
  }

  bool is_object() const noexcept { return object_; }
  std::uint64_t count() const noexcept { return count_; }

  std::optional<std::string_view> key(std::uint64_t i) const noexcept {
    EventReader entry(bytes_.substr(2 * offset_size() + static_cast<std::size_t>(i) * key_entry_size()));
    const std::uint64_t offset = entry.little_endian(offset_size());
    const std::uint16_t size = entry.u16();
    if (!entry.ok() || offset > bytes_.size() || size > bytes_.size() - offset) return std::nullopt;
    return bytes_.substr(static_cast<std::size_t>(offset), size);
  }

  struct Element {
    std::uint8_t type = 0;
    std::string_view bytes;
  };
  std::optional<Element> value(std::uint64_t i) const noexcept {
    const std::size_t at = 2 * offset_size() +
                           (object_ ? static_cast<std::size_t>(count_) * key_entry_size() : 0) +
                           static_cast<std::size_t>(i) * value_entry_size();
    EventReader entry(bytes_.substr(at));
    Element element;
    element.type = entry.u8();
    if (is_inlined(element.type)) {
      element.bytes = bytes_.substr(at + 1, offset_size());
      return element;
    }
    const std::uint64_t offset = entry.little_endian(offset_size());
    // What an offset points to stands behind the entries, so that no document contains itself.
    if (!entry.ok() || offset <= at || offset >= bytes_.size()) return std::nullopt;
    element.bytes = bytes_.substr(static_cast<std::size_t>(offset));
    return element;
  }

 private:
  std::size_t offset_size() const noexcept { return large_ ? 4 : 2; }
  std::size_t key_entry_size() const noexcept { return offset_size() + 2; }
  std::size_t value_entry_size() const noexcept { return 1 + offset_size(); }
  bool is_inlined(std::uint8_t type) const noexcept {
    return type == kLiteral || type == kInt16 || type == kUint16 ||
           (large_ && (type == kInt32 || type == kUint32));
  }

  std::string_view bytes_;
  std::uint64_t count_ = 0;
  bool large_ = false;
  bool object_ = false;
};

/// In what servers write no two values share bytes; these bound what other bytes may claim.
constexpr std::uint64_t values_max(std::size_t document_size) noexcept {
  return 64 + std::uint64_t{document_size};
}
constexpr std::uint64_t text_bytes_max(std::size_t document_size) noexcept {
  return 4'096 + 16 * std::uint64_t{document_size};
}

class TextWriter {
 public:
  TextWriter(std::size_t document_size, ByteBuffer& out)
      : out_(out), left_(values_max(document_size)), size_max_(out.size() + text_bytes_max(document_size)) {}

  bool value(std::uint8_t type, std::string_view bytes, int depth) {
    if (left_ == 0 || depth > kDepthMax || out_.size() > size_max_) return false;
    --left_;
    if (type > kLargeArray) return append_scalar(type, bytes, out_);
    const auto container = Container::open(type, bytes);
    if (!container) return false;
    out_.append(container->is_object() ? '{' : '[');
    for (std::uint64_t i = 0; i < container->count(); ++i) {
      if (i > 0) out_.append(", ");
      if (container->is_object()) {
        const auto key = container->key(i);
        if (!key) return false;
        append_quoted(*key, out_);
        out_.append(": ");
      }
      const auto element = container->value(i);
      if (!element || !value(element->type, element->bytes, depth + 1)) return false;
    }
    out_.append(container->is_object() ? '}' : ']');
    return true;
  }

 private:
  ByteBuffer& out_;
  std::uint64_t left_;  // values that may still come
  const std::uint64_t size_max_;
};

// --- documents that diffs are applied to ---

struct Node;
using Members = std::vector<std::pair<std::string, std::unique_ptr<Node>>>;
using Elements = std::vector<std::unique_ptr<Node>>;

/// A scalar as its text, an object or an array.
struct Node {
  std::variant<std::string, Members, Elements> content;
};

/// MySQL's order of keys: shorter ones first.
bool key_before(const std::string& a, std::string_view b) noexcept {
  return a.size() != b.size() ? a.size() < b.size() : a < b;
}

std::unique_ptr<Node> read_node(std::uint8_t type, std::string_view bytes, int depth, std::uint64_t& left) {
  if (left == 0 || depth > kDepthMax) return nullptr;
  auto node = std::make_unique<Node>();
  left -= 1;
  if (type > kLargeArray) {
    ByteBuffer text;
    if (!append_scalar(type, bytes, text)) return nullptr;
    left -= std::min<std::uint64_t>(left, text.size() / 16);
    node->content = std::string(text.view());
    return node;
  }
  const auto container = Container::open(type, bytes);
  if (!container) return nullptr;
  Members members;
  Elements elements;
  for (std::uint64_t i = 0; i < container->count(); ++i) {
    const auto element = container->value(i);
    auto child = element ? read_node(element->type, element->bytes, depth + 1, left) : nullptr;
    if (child == nullptr) return nullptr;
    if (container->is_object()) {
      const auto key = container->key(i);
      if (!key) return nullptr;
      members.emplace_back(std::string(*key), std::move(child));
    } else {
      elements.push_back(std::move(child));
    }
  }
  if (container->is_object()) {
    node->content = std::move(members);
  } else {
    node->content = std::move(elements);
  }
  return node;
}

std::unique_ptr<Node> read_document(std::string_view binary) {
  if (binary.empty()) {
    auto null = std::make_unique<Node>();
    null->content = std::string("null");
    return null;
  }
  std::uint64_t left = values_max(binary.size());
  return read_node(static_cast<std::uint8_t>(binary[0]), binary.substr(1), 0, left);
}

void append_node(const Node& node, ByteBuffer& out) {
  if (const auto* const text = std::get_if<std::string>(&node.content)) return out.append(*text);
  bool first = true;
  if (const auto* const members = std::get_if<Members>(&node.content)) {
    out.append('{');
    for (const auto& [key, value] : *members) {
      if (!std::exchange(first, false)) out.append(", ");
      append_quoted(key, out);
      out.append(": ");
      append_node(*value, out);
    }
    return out.append('}');
  }
  out.append('[');
  for (const auto& value : std::get<Elements>(node.content)) {
    if (!std::exchange(first, false)) out.append(", ");
    append_node(*value, out);
  }
  out.append(']');
}

/// A leg of a path: a key, or the place in an array.
using Leg = std::variant<std::string, std::size_t>;

std::optional<std::string> read_quoted_key(std::string_view& path) {
  std::string key;
  for (std::size_t i = 1; i < path.size(); ++i) {
    if (path[i] == '"') {
      path.remove_prefix(i + 1);
      return key;
    }
    if (path[i] != '\\') {
      key += path[i];
      continue;
    }
    if (++i == path.size()) return std::nullopt;
    switch (path[i]) {
      case 'b': key += '\b'; break;
      case 'f': key += '\f'; break;
      case 'n': key += '\n'; break;
      case 'r': key += '\r'; break;
      case 't': key += '\t'; break;
      case 'u': {
        unsigned code = 0;
        if (i + 4 >= path.size()) return std::nullopt;
        const auto parsed = std::from_chars(path.data() + i + 1, path.data() + i + 5, code, 16);
        // The server writes only control characters so.
        if (parsed.ptr != path.data() + i + 5 || code >= 0x80) return std::nullopt;
        key += static_cast<char>(code);
        i += 4;
        break;
      }
      default: key += path[i];
    }
  }
  return std::nullopt;
}

std::optional<Leg> read_leg(std::string_view& path) {
  if (path[0] == '[') {
    std::size_t index = 0;
    const auto parsed = std::from_chars(path.data() + 1, path.data() + path.size(), index);
    const auto used = static_cast<std::size_t>(parsed.ptr - path.data());
    if (parsed.ec != std::errc() || used >= path.size() || path[used] != ']') return std::nullopt;
    path.remove_prefix(used + 1);
    return index;
  }
  if (path[0] != '.' || path.size() < 2) return std::nullopt;
  path.remove_prefix(1);
  if (path[0] == '"') {
    auto key = read_quoted_key(path);
    if (!key) return std::nullopt;
    return *std::move(key);
  }
  const std::size_t end = std::min(path.find_first_of(".["), path.size());
  std::string key(path.substr(0, end));
  path.remove_prefix(end);
  return key;
}

std::optional<std::vector<Leg>> read_path(std::string_view path) {
  if (path.empty() || path[0] != '$') return std::nullopt;
  path.remove_prefix(1);
  std::vector<Leg> legs;
  while (!path.empty()) {
    auto leg = read_leg(path);
    if (!leg) return std::nullopt;
    legs.push_back(*std::move(leg));
  }
  return legs;
}

Members::iterator find_member(Members& members, std::string_view key) {
  return std::ranges::find_if(members, [&](const auto& member) { return member.first == key; });
}

Node* child_of(Node& node, const Leg& leg) {
  if (const auto* const key = std::get_if<std::string>(&leg)) {
    auto* const members = std::get_if<Members>(&node.content);
    if (members == nullptr) return nullptr;
    const auto found = find_member(*members, *key);
    return found != members->end() ? found->second.get() : nullptr;
  }
  const std::size_t index = std::get<std::size_t>(leg);
  auto* const elements = std::get_if<Elements>(&node.content);
  if (elements == nullptr) return index == 0 ? &node : nullptr;  // a scalar is its own only element
  return index < elements->size() ? (*elements)[index].get() : nullptr;
}

bool insert_into(Node& parent, const Leg& leg, std::unique_ptr<Node> value) {
  if (const auto* const key = std::get_if<std::string>(&leg)) {
    auto* const members = std::get_if<Members>(&parent.content);
    if (members == nullptr || find_member(*members, *key) != members->end()) return false;
    const auto at =
        std::ranges::find_if(*members, [&](const auto& member) { return !key_before(member.first, *key); });
    members->emplace(at, *key, std::move(value));
    return true;
  }
  auto* const elements = std::get_if<Elements>(&parent.content);
  if (elements == nullptr) return false;
  const std::size_t index = std::min(std::get<std::size_t>(leg), elements->size());
  elements->insert(elements->begin() + static_cast<std::ptrdiff_t>(index), std::move(value));
  return true;
}

bool remove_from(Node& parent, const Leg& leg) {
  if (const auto* const key = std::get_if<std::string>(&leg)) {
    auto* const members = std::get_if<Members>(&parent.content);
    if (members == nullptr) return false;
    const auto found = find_member(*members, *key);
    if (found == members->end()) return false;
    members->erase(found);
    return true;
  }
  auto* const elements = std::get_if<Elements>(&parent.content);
  const std::size_t index = std::get<std::size_t>(leg);
  if (elements == nullptr || index >= elements->size()) return false;
  elements->erase(elements->begin() + static_cast<std::ptrdiff_t>(index));
  return true;
}

bool apply(Node& document, const JsonDiff& diff) {
  const auto legs = read_path(diff.path);
  if (!legs) return false;
  std::unique_ptr<Node> value;
  if (diff.operation != JsonDiff::Operation::kRemove) {
    value = read_document(diff.value);
    if (value == nullptr) return false;
  }
  if (legs->empty()) {
    if (diff.operation != JsonDiff::Operation::kReplace) return false;
    document.content = std::move(value->content);
    return true;
  }
  Node* parent = &document;
  for (std::size_t i = 0; i + 1 < legs->size() && parent != nullptr; ++i)
    parent = child_of(*parent, (*legs)[i]);
  if (parent == nullptr) return false;
  switch (diff.operation) {
    case JsonDiff::Operation::kInsert: return insert_into(*parent, legs->back(), std::move(value));
    case JsonDiff::Operation::kRemove: return remove_from(*parent, legs->back());
    case JsonDiff::Operation::kReplace: break;
  }
  Node* const target = child_of(*parent, legs->back());
  if (target == nullptr) return false;
  target->content = std::move(value->content);
  return true;
}

}  // namespace

bool append_json_text(std::string_view binary, ByteBuffer& out) {
  if (binary.empty()) {
    out.append("null");
    return true;
  }
  return TextWriter(binary.size(), out).value(static_cast<std::uint8_t>(binary[0]), binary.substr(1), 0);
}

bool parse_json_diffs(std::string_view bytes, std::vector<JsonDiff>& diffs) {
  EventReader reader(bytes);
  diffs.clear();
  while (reader.left() > 0) {
    JsonDiff diff;
    const std::uint8_t operation = reader.u8();
    if (operation > 2) return false;
    diff.operation = static_cast<JsonDiff::Operation>(operation);
    diff.path = reader.bytes(reader.length_encoded());
    if (diff.operation != JsonDiff::Operation::kRemove) diff.value = reader.bytes(reader.length_encoded());
    if (!reader.ok()) return false;
    diffs.push_back(diff);
  }
  return true;
}

bool append_patched_json(std::string_view before, const std::vector<JsonDiff>& diffs, ByteBuffer& out) {
  const std::unique_ptr<Node> document = read_document(before);
  if (document == nullptr) return false;
  for (const JsonDiff& diff : diffs) {
    if (!apply(*document, diff)) return false;
  }
  append_node(*document, out);
  return true;
}

}  // namespace dmskafka::mysql
