#pragma once
#include <string>
#include <string_view>

#include "core/base/table_schema.h"

namespace dmskafka::mysql {

/// say `hi` → `say ``hi```: an identifier that reaches the server as it is, whatever its letters.
std::string quote_identifier(std::string_view name);
/// `schema`.`table`, both quoted.
std::string quote_table(const TableName& name);
/// 'it\'s': a text literal. REQUIRES: a session of ours (sql_mode '', utf8mb4).
std::string quote_literal(std::string_view text);
/// x'00FF': a literal of bytes.
std::string hex_literal(std::string_view bytes);
/// 'app'@'%': an account as CURRENT_USER() names it (app@%), for GRANT.
std::string quote_account(std::string_view account);

}  // namespace dmskafka::mysql
