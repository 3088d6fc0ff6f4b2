#include "sources/postgres/identifier.h"

namespace dmskafka::postgres {

std::string quote_identifier(std::string_view name) {
  std::string quoted = "\"";
  for (const char c : name) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted += '"';
}

std::string quote_table(const TableName& name) {
  return quote_identifier(name.schema) + "." + quote_identifier(name.table);
}

std::string array_literal(const std::vector<std::string>& elements) {
  std::string literal = "{";
  for (const std::string& element : elements) {
    if (literal.size() > 1) literal += ',';
    literal += '"';
    for (const char c : element) {
      if (c == '"' || c == '\\') literal += '\\';
      literal += c;
    }
    literal += '"';
  }
  return literal += '}';
}

}  // namespace dmskafka::postgres
