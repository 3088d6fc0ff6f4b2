#include "mapping/template.h"

#include <fmt/format.h>

#include "core/json/json_writer.h"
#include "mapping/rule_fields.h"

namespace dmskafka {

std::optional<Template> Template::read(const JsonValue& value, Problems& problems) {
  Template result;
  result.at = value.location();
  std::string_view rest = value.string();
  while (!rest.empty()) {
    const std::size_t open = rest.find("${");
    if (open != 0) result.parts.push_back({std::string(rest.substr(0, open)), std::nullopt});
    if (open == std::string_view::npos) break;
    rest.remove_prefix(open + 2);
    const std::size_t close = rest.find('}');
    if (close == std::string_view::npos || close == 0) {
      problems.errors.push_back(
          mapping_error(value, close == 0 ? "\"${}\" names no column" : "\"${\" without \"}\"")
              .expected("${column}"));
      return std::nullopt;
    }
    result.parts.push_back({"", std::string(rest.substr(0, close))});
    rest.remove_prefix(close + 1);
  }
  return result;
}

Result<void> Template::resolve(Into into, const ShownTable& table, const ValueSettings& settings,
                               RowText& out) const {
  for (const Part& part : parts) {
    if (!part.column) {
      const std::string quoted = json_quoted(part.text);
      out.add(into == Into::kPlainText ? std::string_view(part.text)
                                       : std::string_view(quoted).substr(1, quoted.size() - 2));
      continue;
    }
    const ColumnMatch match = find_shown_column(*part.column, table);
    if (!match.index) return rule_misfit(at, table.schema.name, match);
    out.add_value(table.slots[*match.index], ValueFormat::of(table.schema, *match.index, settings));
  }
  return {};
}

}  // namespace dmskafka
