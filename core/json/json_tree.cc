#include "core/json/json_tree.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <unordered_map>

#include "core/json/json_scan.h"

namespace dmskafka {
namespace {

namespace ondemand = simdjson::ondemand;

// simdjson checks a number only when it is converted; we keep the text, so we check it ourselves.
bool is_json_number(std::string_view text) noexcept {
  std::size_t at = 0;
  const auto digits = [&] {
    const std::size_t begin = at;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') ++at;
    return at - begin;
  };
  const auto take = [&](std::string_view any) {
    const bool found = at < text.size() && any.find(text[at]) != std::string_view::npos;
    at += found ? 1 : 0;
    return found;
  };
  take("-");
  const bool zero = at < text.size() && text[at] == '0';
  const std::size_t integer = digits();
  if (integer == 0 || (zero && integer > 1)) return false;
  if (take(".") && digits() == 0) return false;
  if (take("eE")) {
    take("+-");
    if (digits() == 0) return false;
  }
  return at == text.size();
}

std::string_view trimmed(std::string_view token) noexcept {
  const std::size_t end = token.find_last_not_of(" \t\r\n");
  return token.substr(0, end == std::string_view::npos ? 0 : end + 1);
}

}  // namespace

/// Walks every value of the on-demand parser, which validates only what is walked. Functions return false when simdjson
/// found a fault; the slow scan then says which.
class JsonTreeBuilder {
 public:
  explicit JsonTreeBuilder(JsonTree& tree) : tree_(tree), text_(tree.text.text()) {}

  std::optional<Error> build() {
    if (walk_document()) return std::nullopt;
    const std::optional<JsonFault> fault = find_json_fault(tree_.text);
    if (!fault)
      return Error(ErrorCode::kInternal, fmt::format("{}: simdjson refuses what is JSON", tree_.text.name()));
    return Error(ErrorCode::kInvalidSettings, fault->message)
        .at(tree_.text.locate(fault->offset, fault->pointer))
        .expected(fault->expected);
  }

 private:
  bool walk_document() {
    ondemand::parser parser;
    ondemand::document document;
    const simdjson::padded_string_view padded(text_, tree_.text.capacity());
    if (parser.iterate(padded).get(document) != simdjson::SUCCESS) return false;
    bool scalar = false;
    if (document.is_scalar().get(scalar) != simdjson::SUCCESS) return false;
    if (scalar) return walk_scalar_document(document);
    ondemand::value value;
    return document.get_value().get(value) == simdjson::SUCCESS && walk(value, tree_.root, 0) &&
           ended(document);
  }

  // Without this question `{"a":1}x` would pass.
  static bool ended(ondemand::document& document) {
    return document.current_location().error() == simdjson::OUT_OF_BOUNDS;
  }

  bool walk_scalar_document(ondemand::document& document) {
    std::string_view token;
    if (document.raw_json_token().get(token) != simdjson::SUCCESS) return false;
    place(tree_.root, token);
    if (token.starts_with('"')) {
      std::string_view string;
      return document.get_string().get(string) == simdjson::SUCCESS && take_string(tree_.root, string) &&
             ended(document);
    }
    // The token is taken up to the end of the text, so that anything after the value spoils it.
    return take_atom(tree_.root, trimmed(text_.substr(tree_.root.offset_)));
  }

  void place(JsonValue& value, std::string_view token) const {
    value.tree_ = &tree_;
    value.offset_ = value.name_offset_ = static_cast<std::size_t>(token.data() - text_.data());
  }

  bool walk(ondemand::value& from, JsonValue& to, std::size_t depth) {
    const std::string_view token = from.raw_json_token();
    place(to, token);
    if (token.empty()) return false;
    if ((token[0] == '{' || token[0] == '[') && depth == kJsonDepthMax) return false;
    if (token[0] == '{') return walk_object(from, to, depth + 1);
    if (token[0] == '[') return walk_array(from, to, depth + 1);
    if (token[0] == '"') {
      std::string_view string;
      return from.get_string().get(string) == simdjson::SUCCESS && take_string(to, string);
    }
    if (!take_atom(to, trimmed(token))) return false;
    if (to.kind_ == JsonKind::kBoolean) return from.get_bool().error() == simdjson::SUCCESS;
    bool null = true;
    return to.kind_ != JsonKind::kNull || (from.is_null().get(null) == simdjson::SUCCESS && null);
  }

  bool walk_array(ondemand::value& from, JsonValue& to, std::size_t depth) {
    ondemand::array array;
    if (from.get_array().get(array) != simdjson::SUCCESS) return false;
    std::vector<JsonValue> items;
    for (simdjson::simdjson_result<ondemand::value> item : array) {
      ondemand::value value;
      if (item.get(value) != simdjson::SUCCESS || !walk(value, items.emplace_back(), depth)) return false;
    }
    to.kind_ = JsonKind::kArray;
    to.size_ = items.size();
    auto& owned = tree_.arrays.emplace_back(std::make_unique<JsonValue[]>(items.size()));
    std::move(items.begin(), items.end(), owned.get());
    to.data_ = owned.get();
    return true;
  }

  bool walk_object(ondemand::value& from, JsonValue& to, std::size_t depth) {
    ondemand::object object;
    if (from.get_object().get(object) != simdjson::SUCCESS) return false;
    std::vector<JsonMember> members;
    for (simdjson::simdjson_result<ondemand::field> item : object) {
      ondemand::field field;
      if (std::move(item).get(field) != simdjson::SUCCESS) return false;
      const auto name_offset = static_cast<std::size_t>(field.key().raw() - text_.data()) - 1;
      std::string_view name;
      if (field.unescaped_key().get(name) != simdjson::SUCCESS) return false;
      JsonMember& member = members.emplace_back();
      member.name = kept(name, name_offset);
      if (!walk(field.value(), member.value, depth)) return false;
      member.value.name_offset_ = name_offset;
    }
    to.kind_ = JsonKind::kObject;
    to.size_ = members.size();
    auto& owned = tree_.objects.emplace_back(std::make_unique<JsonMember[]>(members.size()));
    std::move(members.begin(), members.end(), owned.get());
    to.data_ = owned.get();
    note_repeated_name(to);
    return true;
  }

  // The tree is finished first, so that a fault of the grammar is reported before a repeated name.
  void note_repeated_name(const JsonValue& object) {
    std::unordered_map<std::string_view, const JsonValue*> seen;
    for (const JsonMember& member : object.members()) {
      const auto [first, fresh] = seen.emplace(member.name, &member.value);
      if (!fresh && !repeated_) repeated_ = {first->second, &member};
    }
  }

  bool take_string(JsonValue& to, std::string_view string) {
    to.kind_ = JsonKind::kString;
    const std::string_view own = kept(string, to.offset_);
    to.data_ = own.data();
    to.size_ = own.size();
    return true;
  }

  bool take_atom(JsonValue& to, std::string_view token) {
    if (token == "true" || token == "false") {
      to.kind_ = JsonKind::kBoolean;
      to.size_ = token == "true" ? 1 : 0;
      return true;
    }
    if (token == "null") return to.kind_ = JsonKind::kNull, true;
    to.kind_ = JsonKind::kNumber;
    to.data_ = token.data();
    to.size_ = token.size();
    return is_json_number(token);
  }

  // simdjson's strings live in its parser. Those without escapes stand in our text as they are.
  std::string_view kept(std::string_view string, std::size_t offset) {
    const std::string_view raw = text_.substr(offset + 1, string.size() + 1);
    if (raw.size() > string.size() && raw[string.size()] == '"' && raw.starts_with(string)) {
      return raw.substr(0, string.size());
    }
    return tree_.unescaped.emplace_back(string);
  }

 public:
  struct Repeated {
    const JsonValue* first;
    const JsonMember* second;
  };
  const std::optional<Repeated>& repeated() const { return repeated_; }

 private:
  JsonTree& tree_;
  std::string_view text_;
  std::optional<Repeated> repeated_;
};

std::string JsonTree::pointer_of(std::size_t offset) const {
  std::string pointer;
  const JsonValue* at = &root;
  // Values begin in the order of the file: the wanted one is in the last child that does not begin after it.
  while (at->offset_ != offset) {
    if (at->kind() == JsonKind::kArray && !at->items().empty()) {
      const auto items = at->items();
      const auto next =
          std::upper_bound(items.begin(), items.end(), offset,
                           [](std::size_t o, const JsonValue& value) { return o < value.offset_; });
      if (next == items.begin()) break;
      pointer += fmt::format("/{}", next - items.begin() - 1);
      at = &*(next - 1);
    } else if (at->kind() == JsonKind::kObject && !at->members().empty()) {
      const auto members = at->members();
      const auto next =
          std::upper_bound(members.begin(), members.end(), offset,
                           [](std::size_t o, const JsonMember& m) { return o < m.value.offset_; });
      if (next == members.begin()) break;
      pointer += "/" + json_pointer_part((next - 1)->name);
      at = &(next - 1)->value;
    } else {
      break;
    }
  }
  return pointer;
}

std::optional<Error> build_json_tree(JsonTree& tree) {
  JsonTreeBuilder builder(tree);
  if (std::optional<Error> error = builder.build()) return error;
  if (const auto& repeated = builder.repeated()) {
    const JsonLocation first = repeated->first->name_location();
    return Error(ErrorCode::kInvalidSettings, fmt::format("member \"{}\" is written twice, first on line {}",
                                                          repeated->second->name, first.line))
        .at(repeated->second->value.name_location())
        .expected("each name once");
  }
  return std::nullopt;
}

}  // namespace dmskafka
