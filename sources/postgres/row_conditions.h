#pragma once
#include <cstdint>
#include <string>

#include "core/base/row_condition.h"
#include "core/base/table_schema.h"

namespace dmskafka::postgres {

/// Texts stand in the order of their UTF-8 bytes only where the server keeps them so.
enum class ServerEncoding : std::uint8_t { kUtf8, kOther };

/// The clauses of `condition` that PostgreSQL provably judges as the mapping's evaluator does, as SQL; "" when there is none.
/// Integers, decimals, dates, timestamps and booleans with operands of their own form; varchar and char under COLLATE "C";
/// NULL of every type. A clause with any other test is left out whole, since its tests are joined by OR.
std::string condition_sql(const TableSchema& table, const RowCondition& condition, ServerEncoding encoding);

}  // namespace dmskafka::postgres
