#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/base/key_range.h"
#include "core/base/result.h"
#include "core/base/table_schema.h"
#include "sources/sqlite/rowid_ranges.h"

namespace dmskafka::sqlite {

/// What SQLite does to a value that is compared with a column, by the column's declared type ("3.1 Determination Of Column
/// Affinity").
enum class Affinity : std::uint8_t { kNumeric, kText, kNone };
Affinity affinity_of(std::string_view declared_type);

/// A bound as SQL text: a number where the column compares numbers and the bound is one.
std::string bound_literal(std::string_view bound, Affinity affinity);

/// The condition of one segment of a table called t; "" where every row is meant.
/// Errors: kStateFile: a range that is none of ours.
Result<std::string> segment_condition(const TableSchema& table, const std::string& range);

/// `SELECT` that gives the numbers of `bounds` (from 0) in the order of the columns.
std::string sort_bounds_statement(const TableSchema& table, const std::vector<std::uint32_t>& columns,
                                  const std::vector<KeyBound>& bounds);

}  // namespace dmskafka::sqlite
