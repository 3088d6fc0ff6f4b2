#include "sinks/message_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/json/json_writer.h"

namespace dmskafka {
namespace {

constexpr std::string_view kHead = "\x1b[1;36m";
constexpr std::string_view kDim = "\x1b[2m";
constexpr std::string_view kName = "\x1b[34m";
constexpr std::string_view kText = "\x1b[32m";
constexpr std::string_view kPlain = "\x1b[0m";

void append_number(ByteBuffer& out, std::int64_t number) {
  const fmt::format_int text(number);
  out.append(std::string_view(text.data(), text.size()));
}

std::int64_t size_of(const MessageText& message) {
  return static_cast<std::int64_t>(message.key.size() + message.value.size());
}

void append_ndjson_reasons(ByteBuffer& out, const MessageText& message) {
  out.append(R"(,"size":)");
  append_number(out, size_of(message));
  out.append(R"(,"rules":{"topic":)");
  append_json_string(out, message.reasons->topic);
  out.append(R"(,"partition":)");
  append_json_string(out, message.reasons->partition);
  out.append(R"(,"key":)");
  append_json_string(out, message.reasons->key);
  out.append(R"(,"data":)");  // not "value": that name is the message's own, and the last of the line
  append_json_string(out, message.reasons->value);
  out.append('}');
}

void append_reason(ByteBuffer& out, std::string_view what, std::string_view reason) {
  out.append("  ");
  out.append(what);
  out.append(": ");
  out.append(reason);
  out.append('\n');
}

// The end of the string that begins at `begin`, behind its closing quote.
std::size_t string_end(std::string_view json, std::size_t begin) {
  std::size_t at = begin + 1;
  while (at < json.size() && json[at] != '"') at += json[at] == '\\' ? 2U : 1U;
  return std::min(at + 1, json.size());
}

// JSON of ours: a string before a colon is a name.
void append_coloured(ByteBuffer& out, std::string_view json) {
  for (std::size_t at = 0; at < json.size();) {
    if (json[at] != '"') {
      const std::size_t next = std::min(json.find('"', at), json.size());
      out.append(json.substr(at, next - at));
      at = next;
      continue;
    }
    const std::size_t end = string_end(json, at);
    out.append(end < json.size() && json[end] == ':' ? kName : kText);
    out.append(json.substr(at, end - at));
    out.append(kPlain);
    at = end;
  }
}

}  // namespace

void append_ndjson(ByteBuffer& out, const MessageText& message) {
  out.append(R"({"topic":)");
  append_json_string(out, message.topic);
  out.append(R"(,"partition":)");
  if (message.partition < 0) {
    out.append("null");
  } else {
    append_number(out, message.partition);
  }
  out.append(R"(,"key":)");
  append_json_string(out, message.key);
  if (message.reasons != nullptr) append_ndjson_reasons(out, message);
  out.append(R"(,"value":)");
  if (message.value.empty() || message.value.find_first_of("\n\r") != std::string_view::npos) {
    append_json_string(out, message.value);
  } else {
    out.append(message.value);
  }
  out.append("}\n");
}

void append_pretty(ByteBuffer& out, const MessageText& message, Colours colours) {
  const bool on = colours == Colours::kOn;
  if (on) out.append(kHead);
  out.append(message.topic);
  if (message.partition >= 0) {
    out.append(" partition ");
    append_number(out, message.partition);
  } else if (message.reasons != nullptr) {
    out.append(" partition unknown");
  }
  out.append("  key ");
  append_json_string(out, message.key);  // a control character in a key must not reach the terminal
  out.append("  ");
  append_number(out, size_of(message));
  out.append(" bytes");
  if (on) out.append(kPlain);
  out.append('\n');
  if (message.reasons != nullptr) {
    if (on) out.append(kDim);
    append_reason(out, "topic", message.reasons->topic);
    append_reason(out, "partition", message.reasons->partition);
    append_reason(out, "key", message.reasons->key);
    append_reason(out, "value", message.reasons->value);
    if (on) out.append(kPlain);
  }
  if (on) {
    append_coloured(out, message.value);
  } else {
    out.append(message.value);
  }
  out.append("\n\n");
}

}  // namespace dmskafka
