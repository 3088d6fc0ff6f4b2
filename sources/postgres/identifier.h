#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/base/table_schema.h"

namespace dmskafka::postgres {

/// `say "hi"` → `"say ""hi"""`: an identifier that reaches the server as it is, whatever its letters or case.
std::string quote_identifier(std::string_view name);
/// "schema"."table", both quoted.
std::string quote_table(const TableName& name);
/// 'it''s': a literal that the server reads as this text whatever its settings; its type is the context's.
std::string quote_literal(std::string_view text);
/// A text that the server reads as text[]: {"a","say \"hi\""}.
std::string array_literal(const std::vector<std::string>& elements);

}  // namespace dmskafka::postgres
