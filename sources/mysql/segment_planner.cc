#include "sources/mysql/segment_planner.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <map>

#include "sources/mysql/catalog.h"
#include "sources/mysql/identifier.h"
#include "sources/mysql/key_cutter.h"
#include "sources/mysql/key_values.h"
#include "sources/mysql/sql/queries.h"

namespace dmskafka::mysql {
namespace {

// Beyond it the ranges of a huge table grow instead: each is a line in the state file and a statement.
constexpr std::uint64_t kRangesMax = 10'000;
constexpr std::string_view kNotResumable = "not resumable";
constexpr std::string_view kPartitions = "; partitions";

std::uint64_t to_number(std::string_view text) {
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

std::string about_table(std::string_view query, const TableName& table) {
  std::string statement(query);
  const auto fill = [&statement](std::string_view mark, const std::string& with) {
    statement.replace(statement.find(mark), mark.size(), with);
  };
  fill("{schema}", quote_literal(table.schema));
  fill("{table}", quote_literal(table.table));
  return statement;
}

std::vector<std::string> names_of(const TableSchema& table, const std::vector<std::uint32_t>& columns) {
  std::vector<std::string> names;
  for (const std::uint32_t column : columns) names.push_back(table.columns[column].name);
  return names;
}

/// Ranges hold as long as the key's columns have the same values in the same order.
std::string key_token(const TableSchema& table) {
  std::string token = "key";
  for (const std::uint32_t column : table.primary_key) {
    const ColumnSchema& of = table.columns[column];
    token += fmt::format(" {} {} {},", quote_identifier(of.name), of.source_type, of.collation);
  }
  return token;
}

bool any_nullable(const TableSchema& table, const std::vector<std::uint32_t>& columns) {
  return std::ranges::any_of(columns, [&](std::uint32_t column) { return table.columns[column].nullable; });
}

std::vector<RowRange> of_keys(std::vector<KeyRange> keys, const std::optional<std::string>& partition) {
  std::vector<RowRange> ranges;
  for (KeyRange& range : keys) ranges.push_back(RowRange{partition, std::move(range)});
  return ranges;
}

/// 0x or \x in front, and small letters, are what people write.
std::string normalised_bound(const ColumnSchema& column, std::string bound) {
  if (key_family(column) != KeyFamily::kBytes) return bound;
  if (bound.starts_with("0x") || bound.starts_with("\\x")) bound.erase(0, 2);
  for (char& c : bound) {
    if (c >= 'a' && c <= 'f') c = static_cast<char>(c - 'a' + 'A');
  }
  return bound;
}

Error wrong_bound(const ColumnSchema& column, std::string_view bound, const JsonLocation& at) {
  return Error(ErrorCode::kInvalidMapping,
               fmt::format("the boundary \"{}\" is no value of the column {} ({})", bound, column.name,
                           column.source_type))
      .at(at);
}

}  // namespace

std::string from_clause(const TableName& table, const std::optional<std::string>& partition) {
  return partition ? fmt::format("{} PARTITION ({})", quote_table(table), quote_identifier(*partition))
                   : quote_table(table);
}

Result<SegmentPlan> SegmentPlanner::plan(const TableSchema& table, const SegmentRequest& request) {
  DMSKAFKA_ASSIGN(Draft drafted, draft(table, request));
  SegmentPlan plan;
  plan.remarks = std::move(drafted.remarks);
  if (drafted.ranges.empty()) {
    plan.segments.push_back(Segment{&table, 0, ""});
    return plan;
  }
  plan.token = std::move(drafted.token);
  for (const RowRange& range : drafted.ranges) {
    const auto number = static_cast<std::uint32_t>(plan.segments.size());
    plan.segments.push_back(Segment{&table, number, print_row_range(range)});
  }
  return plan;
}

Result<SegmentPlanner::Draft> SegmentPlanner::draft(const TableSchema& table, const SegmentRequest& request) {
  switch (request.parallel_load.type) {
    case ParallelLoad::Type::kAutomatic: return draft_automatic(table, request.bytes_wanted);
    case ParallelLoad::Type::kRanges: return draft_user_ranges(table, request);
    case ParallelLoad::Type::kPartitions: return draft_partitions(table, request);
  }
  return Draft();
}

Result<SegmentPlanner::Draft> SegmentPlanner::draft_automatic(const TableSchema& table,
                                                              std::uint64_t bytes_wanted) {
  Draft draft;
  if (table.kind != TableKind::kTable || table.bytes_estimate <= bytes_wanted) return draft;
  DMSKAFKA_ASSIGN(const std::optional<CutColumns> by, key_columns(table));
  if (!by) return draft;
  const Part whole{"", "", table.rows_estimate.value_or(0), table.bytes_estimate};
  DMSKAFKA_ASSIGN(const std::vector<KeyBound> bounds, cut(table, whole, *by, bytes_wanted));
  if (bounds.empty()) return draft;
  draft.token = key_token(table);
  draft.ranges = of_keys(cut_by_bounds(names_of(table, by->columns), bounds, KeyNulls::kNone), std::nullopt);
  return draft;
}

/// The user's ranges; where an index makes it cheap, those that are large are cut once more.
Result<SegmentPlanner::Draft> SegmentPlanner::draft_user_ranges(const TableSchema& table,
                                                                const SegmentRequest& request) {
  const ParallelLoad& load = request.parallel_load;
  const std::vector<std::string> names = names_of(table, load.columns);
  for (const std::uint32_t column : load.columns) {
    if (key_family(table.columns[column]) != KeyFamily::kNone) continue;
    return Error(ErrorCode::kInvalidMapping,
                 fmt::format(
                     "{}: no ranges of {}: the type {} has no order that boundaries could be compared by",
                     table.name.text(), table.columns[column].name, table.columns[column].source_type))
        .at(load.defined_at);
  }
  std::vector<KeyBound> wanted = load.boundaries;
  for (KeyBound& bound : wanted) {
    for (std::size_t i = 0; i < bound.size(); ++i) {
      const ColumnSchema& column = table.columns[load.columns[i]];
      bound[i] = normalised_bound(column, std::move(bound[i]));
      if (!is_bound(column, bound[i])) return wrong_bound(column, bound[i], load.defined_at);
    }
  }
  DMSKAFKA_ASSIGN(std::vector<KeyBound> bounds, sorted(table, load, std::move(wanted)));
  DMSKAFKA_ASSIGN(const std::optional<CutColumns> index, index_of(table, load.columns));
  Draft draft;
  if (!index && table.bytes_estimate > request.bytes_wanted) {
    draft.remarks.push_back(
        fmt::format("no index begins with {}: each range of table-settings reads the whole table",
                    fmt::join(names, ", ")));
  }
  if (index && table.bytes_estimate / request.bytes_wanted > bounds.size()) {
    const Part whole{"", "", table.rows_estimate.value_or(0), table.bytes_estimate};
    DMSKAFKA_ASSIGN(const std::vector<KeyBound> more, cut(table, whole, *index, request.bytes_wanted));
    bounds.insert(bounds.end(), more.begin(), more.end());
    DMSKAFKA_ASSIGN(bounds, sorted(table, load, std::move(bounds)));
  }
  // A row can change its place among other columns between two runs, and would be missed by the second.
  const bool stays =
      std::ranges::all_of(load.columns, [&](std::uint32_t column) { return table.is_key_column(column); });
  draft.token = stays ? key_token(table) : std::string(kNotResumable);
  const KeyNulls nulls = any_nullable(table, load.columns) ? KeyNulls::kPossible : KeyNulls::kNone;
  draft.ranges = of_keys(cut_by_bounds(names, bounds, nulls), std::nullopt);
  return draft;
}

/// Each part by itself, those that the user names first; a large one is cut once more.
Result<SegmentPlanner::Draft> SegmentPlanner::draft_partitions(const TableSchema& table,
                                                               const SegmentRequest& request) {
  const ParallelLoad& load = request.parallel_load;
  DMSKAFKA_ASSIGN(std::vector<Part> parts, read_parts(table));
  const auto named = [&](const Part& part) {
    return std::ranges::any_of(
        load.partitions, [&](const std::string& name) { return part.name == name || part.parent == name; });
  };
  for (const std::string& name : load.partitions) {
    const auto is_it = [&](const Part& part) { return part.name == name || part.parent == name; };
    if (std::ranges::any_of(parts, is_it)) continue;
    return Error(ErrorCode::kInvalidMapping,
                 fmt::format("{} has no partition \"{}\"", table.name.text(), name))
        .at(load.defined_at);
  }
  if (parts.empty()) {
    DMSKAFKA_ASSIGN(Draft draft, draft_automatic(table, request.bytes_wanted));
    draft.remarks.emplace_back("it has no partitions: it is read in ranges of our own");
    return draft;
  }
  Draft draft;
  draft.token =
      table.has_primary_key() ? key_token(table) + partitions_token(parts) : std::string(kNotResumable);
  // Not the one of std::ranges: clang 14 cannot compile what it returns.
  std::stable_partition(parts.begin(), parts.end(), named);
  for (const Part& part : parts) {
    DMSKAFKA_ASSIGN(std::vector<RowRange> ranges, cut_part(table, part, request.bytes_wanted));
    draft.ranges.insert(draft.ranges.end(), std::make_move_iterator(ranges.begin()),
                        std::make_move_iterator(ranges.end()));
  }
  return draft;
}

std::string SegmentPlanner::partitions_token(const std::vector<Part>& parts) {
  std::string token(kPartitions);
  for (const Part& part : parts) token += " " + quote_identifier(part.name);
  return token;
}

Result<std::vector<RowRange>> SegmentPlanner::cut_part(const TableSchema& table, const Part& part,
                                                       std::uint64_t bytes_wanted) {
  const std::vector<RowRange> whole = {RowRange{part.name, std::nullopt}};
  if (part.bytes <= bytes_wanted) return whole;
  DMSKAFKA_ASSIGN(const std::optional<CutColumns> by, key_columns(table));
  if (!by) return whole;
  DMSKAFKA_ASSIGN(const std::vector<KeyBound> bounds, cut(table, part, *by, bytes_wanted));
  if (bounds.empty()) return whole;
  return of_keys(cut_by_bounds(names_of(table, by->columns), bounds, KeyNulls::kNone), part.name);
}

Result<std::vector<KeyBound>> SegmentPlanner::cut(const TableSchema& table, const Part& part,
                                                  const CutColumns& by, std::uint64_t bytes_wanted) {
  const std::uint64_t ranges = std::min(part.bytes / bytes_wanted + 1, kRangesMax);
  CutRequest request;
  request.table = &table;
  request.from = from_clause(table.name, part.name.empty() ? std::nullopt : std::optional(part.name));
  request.index = by.index;
  request.columns = by.columns;
  request.rows_wanted = std::max<std::uint64_t>(1, part.rows / ranges);
  return KeyCutter(connection_, request).cut(stop_);
}

Result<std::optional<SegmentPlanner::CutColumns>> SegmentPlanner::key_columns(const TableSchema& table) {
  std::vector<std::uint32_t> usable;
  for (const std::uint32_t column : table.primary_key) {
    if (key_family(table.columns[column]) == KeyFamily::kNone) break;
    usable.push_back(column);
  }
  if (usable.empty()) return std::optional<CutColumns>();
  return index_of(table, usable);
}

/// The primary key where it does, since it holds the rows.
Result<std::optional<SegmentPlanner::CutColumns>> SegmentPlanner::index_of(
    const TableSchema& table, const std::vector<std::uint32_t>& columns) {
  DMSKAFKA_ASSIGN(const QueryResult rows,
                  connection_.query(about_table(kIndexColumnsSql, table.name), stop_));
  std::map<std::string, std::vector<std::string>> indexes;
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    // Only the beginning of the values is in the index: it has not their order.
    const bool prefix = !rows.is_null(row, 2);
    indexes[std::string(rows.text(row, 0))].push_back(prefix ? "" : std::string(rows.text(row, 1)));
  }
  const std::vector<std::string> names = names_of(table, columns);
  const auto begins = [&](const std::vector<std::string>& index) {
    return index.size() >= names.size() && std::equal(names.begin(), names.end(), index.begin());
  };
  if (const auto key = indexes.find("PRIMARY"); key != indexes.end() && begins(key->second))
    return std::optional<CutColumns>(CutColumns{"PRIMARY", columns});
  for (const auto& [name, index] : indexes) {
    if (begins(index)) return std::optional<CutColumns>(CutColumns{name, columns});
  }
  return std::optional<CutColumns>();
}

Result<std::vector<SegmentPlanner::Part>> SegmentPlanner::read_parts(const TableSchema& table) {
  std::vector<Part> parts;
  if (!TableHandle::parse(table.source_handle).partitioned) return parts;
  DMSKAFKA_ASSIGN(const QueryResult rows, connection_.query(about_table(kPartitionsSql, table.name), stop_));
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    const bool sub = !rows.is_null(row, 1);
    Part& part = parts.emplace_back();
    part.name = rows.text(row, sub ? 1 : 0);
    if (sub) part.parent = rows.text(row, 0);
    part.rows = to_number(rows.text(row, 2));
    part.bytes = to_number(rows.text(row, 3));
  }
  return parts;
}

/// In the order of the columns, which the server knows, each once.
Result<std::vector<KeyBound>> SegmentPlanner::sorted(const TableSchema& table, const ParallelLoad& load,
                                                     std::vector<KeyBound> bounds) {
  if (bounds.empty()) return bounds;
  std::string rows;
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    rows += fmt::format("{}SELECT {} AS n", i == 0 ? "" : " UNION ALL ", i);
    for (std::size_t k = 0; k < load.columns.size(); ++k) {
      rows += fmt::format(", {} AS c{}", ordered_literal(table.columns[load.columns[k]], bounds[i][k]), k);
    }
  }
  std::string columns;
  for (std::size_t k = 0; k < load.columns.size(); ++k)
    columns += fmt::format("{}c{}", k == 0 ? "" : ", ", k);
  DMSKAFKA_ASSIGN(
      const Connection::Outcome outcome,
      connection_.run(
          fmt::format("SELECT MIN(n), {0} FROM ({1}) AS b GROUP BY {0} ORDER BY {0}", columns, rows), stop_));
  if (outcome.failure) {
    return Error(ErrorCode::kInvalidMapping,
                 fmt::format("the boundaries of the ranges do not fit the columns {}: {}",
                             fmt::join(names_of(table, load.columns), ", "), outcome.failure->message))
        .at(load.defined_at);
  }
  std::vector<KeyBound> in_order;
  for (std::size_t row = 0; row < outcome.rows.rows(); ++row) {
    const KeyBound& bound = bounds[to_number(outcome.rows.text(row, 0))];
    for (std::size_t k = 0; k < bound.size(); ++k) {
      // What the server could not read it made NULL, with a warning.
      if (outcome.rows.is_null(row, k + 1))
        return wrong_bound(table.columns[load.columns[k]], bound[k], load.defined_at);
    }
    in_order.push_back(bound);
  }
  return in_order;
}

Result<ResumedSegments> SegmentPlanner::resume(const TableSchema& table, const std::string& token,
                                               std::span<const StoredSegment> stored) {
  ResumedSegments resumed;
  const std::string_view then = token;
  std::string now = key_token(table);
  if (then.find(kPartitions) != std::string_view::npos) {
    DMSKAFKA_ASSIGN(const std::vector<Part> parts, read_parts(table));
    now += partitions_token(parts);
  }
  if (then == kNotResumable) {
    resumed.reload = true;
    resumed.reason =
        "its ranges are not of its primary key, and a row may have moved between them since its load began; "
        "it is "
        "read from the start";
  } else if (then != now) {
    resumed.reload = true;
    resumed.reason =
        "its primary key or its partitions changed since its load began; it is read from the start";
  } else if (std::ranges::any_of(stored, &StoredSegment::done)) {
    resumed.reason =
        "rows that were written since in the ranges that were done are not sent again, unless their changes "
        "are "
        "followed (cdc)";
  }
  return resumed;
}

}  // namespace dmskafka::mysql
