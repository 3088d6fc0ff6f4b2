#pragma once
#include <cstdint>
#include <string>

#include "core/base/row_condition.h"
#include "core/base/table_schema.h"

namespace dmskafka::sqlite {

/// Texts stand in the order of their UTF-8 bytes only in a database that keeps them so.
enum class TextEncoding : std::uint8_t { kUtf8, kUtf16 };

/// The clauses of `condition` that SQLite provably judges as the mapping's evaluator does, as SQL about the table "t"; "" when
/// there is none. The storage class of each value decides, as it does there: a column's affinity and collation must not.
std::string condition_sql(const TableSchema& table, const RowCondition& condition, TextEncoding encoding);

}  // namespace dmskafka::sqlite
