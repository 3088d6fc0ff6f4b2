#pragma once
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "core/base/key_range.h"
#include "core/base/result.h"
#include "core/base/table_schema.h"
#include "sources/postgres/connection.h"

namespace dmskafka::postgres {

/// What ranges by some columns of a table need to know of them.
struct KeyColumns {
  std::vector<std::string> names;
  std::vector<std::string> types;     ///< for casts, without length
  std::vector<std::string> collates;  ///< " collate x.y", or ""
  bool ordered = true;                ///< comparisons mean the order of the types' B-trees
  bool nullable = false;
  bool indexed = false;  ///< an index begins with these columns
};
Result<KeyColumns> read_key_columns(Connection& connection, const std::string& oid,
                                    const std::vector<std::string>& names, const std::stop_token& stop);

/// The statement that gives `bounds` in the order of the columns, each once. Fails where one is no value of its column.
std::string sort_bounds_statement(const KeyColumns& columns, const std::vector<KeyBound>& bounds);

/// Of which rows bounds are taken as samples.
struct BoundSample {
  std::string from;          ///< "ONLY "public"."t""
  std::uint64_t pages = 0;   ///< that hold the rows, about
  std::uint64_t ranges = 1;  ///< wanted
};
/// The statement that gives bounds, in order, between which about equally many rows lie: of a sample of pages, so that it
/// costs little however large the table is, and whatever the distribution of the keys.
std::string sample_bounds_statement(const KeyColumns& columns, const BoundSample& sample);

/// The bounds that one of these statements gave.
std::vector<KeyBound> bounds_of(const QueryResult& rows, std::size_t columns);

}  // namespace dmskafka::postgres
