#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/base/table_schema.h"
#include "sources/mysql/column_types.h"
#include "sources/mysql/table_map.h"

namespace dmskafka::mysql {

/// The labels of ENUM and SET are logged in their column's character set. Errors: kSourceRejected: a set that we have no table of.
Result<void> labels_to_utf8(TableMap& map);

/// How the log lays a declared column out: its type and metadata. nullopt: of such a type we do not know, and any fits.
std::optional<MappedColumn> expected_layout(const ColumnSchema& declared);
/// Whether the log's column can be the declared one: layout, and sign and character set where the log tells them.
bool fits(const MappedColumn& logged, const ColumnSchema& declared);
/// What the log alone tells of a column's declaration. REQUIRES: binlog_row_metadata=FULL, so that signs and labels are there.
ColumnType derived_type(const MappedColumn& logged);
/// The labels of "enum('a','b''c')" or "set(…)".
std::vector<std::string> declared_labels(std::string_view column_type);
/// Bytes that a character takes at most; 1 for a set that we do not know.
std::uint32_t character_bytes_max(std::string_view charset) noexcept;
/// The collation that a server gives columns of this character set unless told otherwise: "latin1_swedish_ci".
std::string default_collation(std::string_view charset);

}  // namespace dmskafka::mysql
