#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/json_location.h"
#include "core/base/result.h"
#include "core/json/json_reader.h"
#include "core/settings/settings_reader.h"
#include "mapping/row_text.h"
#include "mapping/shown_table.h"
#include "mapping/value_settings.h"

namespace dmskafka {

/// Text with `${column}` in it, taken apart once.
struct Template {
  struct Part {
    std::string text;                   ///< the literal, or
    std::optional<std::string> column;  ///< the name between `${` and `}`
  };
  std::vector<Part> parts;
  JsonLocation at;

  /// Of a JSON string. nullopt, with the reason in `problems`, when a `${` has no end or no name.
  static std::optional<Template> read(const JsonValue& value, Problems& problems);

  enum class Into : unsigned char { kPlainText, kJsonString };
  /// Adds it to `out`, its columns found in `table`; for kJsonString without the quotes around it. Errors: kInvalidMapping
  /// at `at` for a column that the table lacks.
  Result<void> resolve(Into into, const ShownTable& table, const ValueSettings& settings, RowText& out) const;
};

}  // namespace dmskafka
