#include "mapping/row_text.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace dmskafka {

namespace {

// The character behind `\` in a string of ours, for the escapes json_writer.h writes; the text after `u00` is hex.
char unescape_one(const char*& at) noexcept {
  const auto hex_digit = [](char c) { return static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10); };
  const char escape = *at++;
  switch (escape) {
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case 'u': {
      const unsigned code = hex_digit(at[2]) * 16U + hex_digit(at[3]);
      at += 4;
      return static_cast<char>(code);
    }
    default: return escape;  // '"' and '\\'
  }
}

void strip_quotes(ByteBuffer& out, std::size_t begin) noexcept {
  char* const value = out.data() + begin;
  const std::size_t size = out.size() - begin;
  // A text has quotes: this is a value that dms-strict does not hold.
  if (std::string_view(value, size) == "null") return out.truncate(begin);
  if (size < 2 || value[0] != '"') return;
  std::memmove(value, value + 1, size - 2);
  out.truncate(out.size() - 2);
}

void strip_escapes(ByteBuffer& out, std::size_t begin) noexcept {
  char* const text = out.data() + begin;
  const std::size_t size = out.size() - begin;
  if (size == 0 || std::memchr(text, '\\', size) == nullptr) return;
  char* end = text;
  for (const char* at = text; at < text + size;) {
    const char c = *at++;
    *end++ = c == '\\' ? unescape_one(at) : c;
  }
  out.truncate(begin + static_cast<std::size_t>(end - text));
}

}  // namespace

ValueLoss append_escaped_text(const ValueFormat& format, const Value& value, ByteBuffer& out) {
  if (!value.is_known() || value.is_null()) return {};
  const std::size_t begin = out.size();
  const ValueLoss loss = append_value(format, value, out);
  strip_quotes(out, begin);
  return loss;
}

void append_plain_text(const ValueFormat& format, const Value& value, ByteBuffer& out) {
  const std::size_t begin = out.size();
  append_escaped_text(format, value, out);
  strip_escapes(out, begin);
}

void RowText::add_value(std::uint32_t slot, const ValueFormat& format) {
  parts_.push_back({std::exchange(tail_, {}), slot, format});
}

bool RowText::append_plain(RowView row, ByteBuffer& out) const {
  bool complete = true;
  for (const Part& part : parts_) {
    out.append(part.before);
    complete = complete && row[part.slot].is_known();
    append_plain_text(part.format, row[part.slot], out);
  }
  out.append(tail_);
  return complete;
}

bool RowText::same_values(RowView a, RowView b) const noexcept {
  return std::ranges::all_of(parts_, [&](const Part& part) {
    const Value& one = a[part.slot];
    const Value& other = b[part.slot];
    return one.form() == other.form() && one.view() == other.view();
  });
}

bool RowText::has_unchanged(RowView row) const noexcept {
  for (const Part& part : parts_) {
    if (row[part.slot].form() == ValueForm::kUnchanged) return true;
  }
  return false;
}

std::string RowText::describe(std::span<const std::string> names) const {
  std::string text;
  for (const Part& part : parts_) text += part.before + "${" + names[part.slot] + "}";
  return text + tail_;
}

ValueLoss RowText::append_json(RowView row, ByteBuffer& out) const {
  ValueLoss loss;
  for (const Part& part : parts_) {
    out.append(part.before);
    loss.add(append_escaped_text(part.format, row[part.slot], out));
  }
  out.append(tail_);
  return loss;
}

}  // namespace dmskafka
