#pragma once
#include <optional>
#include <string_view>

#include "core/base/table_schema.h"
#include "sources/mysql/statement.h"

namespace dmskafka::mysql {

/// What ALTER TABLE (or CREATE INDEX, DROP INDEX) makes of `before`: columns added, dropped, renamed, changed and moved, and the
/// primary key. nullopt: a part of the statement is not understood, and what it does to the columns is not known.
std::optional<TableSchema> apply_alter(std::string_view text, const Tokenizer::Options& options,
                                       const TableSchema& before);

}  // namespace dmskafka::mysql
