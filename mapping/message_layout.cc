#include "mapping/message_layout.h"

#include "core/json/json_writer.h"

namespace dmskafka {

std::string MessageLayout::member(int depth, std::string_view name) const {
  if (!formatted_) return "," + json_quoted(name) + ":";
  return ",\n" + std::string(static_cast<std::size_t>(depth), '\t') + json_quoted(name) + ":\t";
}

std::string MessageLayout::close(int depth) const {
  if (!formatted_) return "}";
  return "\n" + std::string(static_cast<std::size_t>(depth) - 1, '\t') + "}";
}

}  // namespace dmskafka
