#pragma once
#include <string_view>

#include "core/base/table_schema.h"

namespace dmskafka::sqlite {

/// Fills type, length, precision, scale and lob of a column from its declared type, which may be any text or none. It
/// serves the table definition of control records alone: the values follow their own storage class (docs/sqlite.md).
void describe_declared_type(std::string_view declared_type, ColumnSchema& column);

}  // namespace dmskafka::sqlite
