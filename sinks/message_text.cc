#include "sinks/message_text.h"

#include <fmt/format.h>

#include "core/json/json_writer.h"

namespace dmskafka {
namespace {

void append_number(ByteBuffer& out, std::int64_t number) {
  const fmt::format_int text(number);
  out.append(std::string_view(text.data(), text.size()));
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
  if (on) out.append("\x1b[1;36m");
  out.append(message.topic);
  if (message.partition >= 0) {
    out.append(" partition ");
    append_number(out, message.partition);
  }
  out.append("  key ");
  append_json_string(out, message.key);  // a control character in a key must not reach the terminal
  out.append("  ");
  append_number(out, static_cast<std::int64_t>(message.key.size() + message.value.size()));
  out.append(" bytes");
  if (on) out.append("\x1b[0m");
  out.append('\n');
  out.append(message.value);
  out.append("\n\n");
}

}  // namespace dmskafka
