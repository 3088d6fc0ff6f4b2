#include "sources/postgres/segment_planner.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>

#include "core/base/logging.h"
#include "sources/postgres/catalog.h"
#include "sources/postgres/identifier.h"
#include "sources/postgres/snapshot_reader.h"
#include "sources/postgres/sql/queries.h"

namespace dmskafka::postgres {
namespace {

constexpr std::uint64_t kPageBytes = 8'192;
// Beyond it the ranges of a huge table grow instead: each is a line in the state file and a statement.
constexpr std::uint64_t kKeyRangesMax = 10'000;

std::uint64_t to_number(std::string_view text) {
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

std::vector<std::string> split_lines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::vector<RowRange> of_keys(std::vector<KeyRange> keys, const std::optional<TableName>& partition) {
  std::vector<RowRange> ranges;
  for (KeyRange& range : keys) ranges.push_back(RowRange{partition, {}, std::move(range), std::nullopt});
  return ranges;
}

bool on_the_path(const Leaf& leaf, const std::vector<std::string>& names) {
  return std::ranges::any_of(
      leaf.path, [&](const std::string& step) { return std::ranges::find(names, step) != names.end(); });
}

/// An error of the connection itself ends the snapshot; any other is about what was asked.
bool broken(const Error& error) {
  return error.code() == ErrorCode::kSourceUnavailable || error.code() == ErrorCode::kCancelled;
}

}  // namespace

template <typename Ask>
auto SegmentPlanner::in_savepoint(Ask ask) -> decltype(ask()) {
  DMSKAFKA_TRY(facts_.leader.query("SAVEPOINT dmskafka_planning", {}, {}));
  auto answer = ask();
  DMSKAFKA_TRY(facts_.leader.query("ROLLBACK TO SAVEPOINT dmskafka_planning", {}, {}));
  return answer;
}

bool SegmentPlanner::by_pages(const TableSchema& table) const {
  const auto layout = facts_.layouts.find(&table);
  return facts_.leader.server_version() >= kTidRangeScanVersion && layout != facts_.layouts.end() &&
         layout->second.heap;
}

Result<SegmentPlan> SegmentPlanner::plan(const TableSchema& table, const SegmentRequest& request) {
  DMSKAFKA_ASSIGN(Draft drafted, draft(table, request));
  SegmentPlan plan;
  plan.remarks = std::move(drafted.remarks);
  if (drafted.ranges.empty()) {
    plan.segments.push_back(Segment{&table, 0, ""});
    return plan;
  }
  plan.token = print_plan_token(drafted.token);
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

/// By pages where the server can scan such ranges and the table is locked, so that its files stay; else by the primary key.
Result<SegmentPlanner::Draft> SegmentPlanner::draft_automatic(const TableSchema& table,
                                                              std::uint64_t bytes_wanted) {
  Draft draft;
  if (by_pages(table)) {
    const TableLayout& layout = facts_.layouts.at(&table);
    draft.token = PlanToken{PlanToken::Kind::kFiles, facts_.xmin, layout.files};
    for (const PageRange& pages : cut_pages(layout.pages_max, layout.bytes_total, bytes_wanted)) {
      draft.ranges.push_back(RowRange{std::nullopt, {pages}, std::nullopt, std::nullopt});
    }
    return draft;
  }
  const auto layout = facts_.layouts.find(&table);
  const std::uint64_t bytes =
      layout != facts_.layouts.end() ? layout->second.bytes_total : table.bytes_estimate;
  if (table.kind != TableKind::kTable || !table.has_primary_key() || bytes <= bytes_wanted) return draft;
  DMSKAFKA_ASSIGN(const std::vector<Leaf> leaves, read_leaves(table));
  draft.token = token_of(leaves);
  if (draft.token.kind == PlanToken::Kind::kNone) return draft;
  std::uint64_t heap_bytes = 0;
  for (const Leaf& leaf : leaves) heap_bytes += leaf.heap_bytes;
  DMSKAFKA_ASSIGN(std::vector<KeyRange> keys,
                  cut_primary_key(table, from_clause(table), heap_bytes, bytes / bytes_wanted + 1));
  draft.ranges = of_keys(std::move(keys), std::nullopt);
  return draft;
}

/// The user's ranges; where an index makes it cheap, those that are large are cut once more.
Result<SegmentPlanner::Draft> SegmentPlanner::draft_user_ranges(const TableSchema& table,
                                                                const SegmentRequest& request) {
  const ParallelLoad& load = request.parallel_load;
  const std::string oid = TableHandle::parse(table.source_handle).oid;
  std::vector<std::string> names;
  for (const std::uint32_t column : load.columns) names.push_back(table.columns[column].name);
  DMSKAFKA_ASSIGN(const KeyColumns columns,
                  in_savepoint([&] { return read_key_columns(facts_.leader, oid, names, {}); }));
  if (!columns.ordered) {
    return Error(ErrorCode::kInvalidMapping,
                 fmt::format("{}: no ranges of {}: they need columns of the server's own types",
                             table.name.text(), fmt::join(names, ", ")))
        .at(load.defined_at);
  }
  DMSKAFKA_ASSIGN(std::vector<KeyBound> bounds, sort_bounds(columns, load.boundaries, load.defined_at));
  DMSKAFKA_ASSIGN(const std::vector<Leaf> leaves, read_leaves(table));
  std::uint64_t bytes = 0;
  std::uint64_t heap_bytes = 0;
  for (const Leaf& leaf : leaves) {
    bytes += leaf.bytes;
    heap_bytes += leaf.heap_bytes;
  }
  Draft draft;
  if (!columns.indexed && bytes > request.bytes_wanted) {
    draft.remarks.push_back(
        fmt::format("no index begins with {}: each range of table-settings reads the whole table",
                    fmt::join(names, ", ")));
  }
  if (columns.indexed && bytes / request.bytes_wanted > bounds.size()) {
    const std::uint64_t ranges = std::min(bytes / request.bytes_wanted + 1, kKeyRangesMax);
    DMSKAFKA_ASSIGN(const std::vector<KeyBound> more,
                    sample_bounds(columns, BoundSample{from_clause(table), heap_bytes / kPageBytes, ranges}));
    bounds.insert(bounds.end(), more.begin(), more.end());
    DMSKAFKA_ASSIGN(bounds, sort_bounds(columns, std::move(bounds), load.defined_at));
  }
  draft.token = token_of(leaves);
  draft.ranges = of_keys(
      cut_by_bounds(names, bounds, columns.nullable ? KeyNulls::kPossible : KeyNulls::kNone), std::nullopt);
  return draft;
}

/// Each leaf by itself, those that the user names first; a large leaf is cut once more.
Result<SegmentPlanner::Draft> SegmentPlanner::draft_partitions(const TableSchema& table,
                                                               const SegmentRequest& request) {
  const ParallelLoad& load = request.parallel_load;
  DMSKAFKA_ASSIGN(std::vector<Leaf> leaves, read_leaves(table));
  for (const std::string& name : load.partitions) {
    const auto has = [&](const Leaf& leaf) { return on_the_path(leaf, {name}); };
    if (std::ranges::any_of(leaves, has)) continue;
    return Error(ErrorCode::kInvalidMapping,
                 fmt::format("{} has no partition \"{}\"", table.name.text(), name))
        .at(load.defined_at);
  }
  const bool partitioned = TableHandle::parse(table.source_handle).relation_kind == 'p' && !leaves.empty();
  const bool policies = TableHandle::parse(table.source_handle).row_security;
  if (!partitioned || policies || !std::ranges::all_of(leaves, &Leaf::readable_alone)) {
    DMSKAFKA_ASSIGN(Draft draft, draft_automatic(table, request.bytes_wanted));
    draft.remarks.emplace_back(
        partitioned ? "its partitions may not be read one by one by this role: it is read in ranges "
                      "of our own"
                    : "it has no partitions: it is read in ranges of our own");
    return draft;
  }
  // Not the one of std::ranges: clang 14 cannot compile what it returns.
  std::stable_partition(leaves.begin(), leaves.end(),
                        [&](const Leaf& leaf) { return on_the_path(leaf, load.partitions); });
  Draft draft;
  draft.token = by_pages(table)
                    ? PlanToken{PlanToken::Kind::kFiles, facts_.xmin, facts_.layouts.at(&table).files}
                    : token_of(leaves);
  for (const Leaf& leaf : leaves) {
    DMSKAFKA_ASSIGN(std::vector<RowRange> ranges, cut_leaf(table, leaf, request.bytes_wanted));
    draft.ranges.insert(draft.ranges.end(), std::make_move_iterator(ranges.begin()),
                        std::make_move_iterator(ranges.end()));
  }
  return draft;
}

Result<std::vector<RowRange>> SegmentPlanner::cut_leaf(const TableSchema& table, const Leaf& leaf,
                                                       std::uint64_t bytes_wanted) {
  std::vector<RowRange> ranges;
  if (by_pages(table)) {
    for (const PageRange& pages : cut_pages(leaf.heap_bytes / kPageBytes, leaf.bytes, bytes_wanted)) {
      ranges.push_back(RowRange{leaf.name, {pages}, std::nullopt, std::nullopt});
    }
    return ranges;
  }
  if (leaf.relation_kind == 'r' && table.has_primary_key() && leaf.bytes > bytes_wanted) {
    DMSKAFKA_ASSIGN(std::vector<KeyRange> keys,
                    cut_primary_key(table, "ONLY " + quote_table(leaf.name), leaf.heap_bytes,
                                    leaf.bytes / bytes_wanted + 1));
    if (!keys.empty()) return of_keys(std::move(keys), leaf.name);
  }
  ranges.push_back(RowRange{leaf.name, {}, std::nullopt, std::nullopt});
  return ranges;
}

/// Empty: the key cannot be cut.
Result<std::vector<KeyRange>> SegmentPlanner::cut_primary_key(const TableSchema& table,
                                                              const std::string& from,
                                                              std::uint64_t heap_bytes,
                                                              std::uint64_t ranges_wanted) {
  std::vector<std::string> names;
  for (const std::uint32_t column : table.primary_key) names.push_back(table.columns[column].name);
  const std::string oid = TableHandle::parse(table.source_handle).oid;
  DMSKAFKA_ASSIGN(const KeyColumns columns,
                  in_savepoint([&] { return read_key_columns(facts_.leader, oid, names, {}); }));
  if (!columns.ordered) return std::vector<KeyRange>();
  const BoundSample sample{from, heap_bytes / kPageBytes, std::min(ranges_wanted, kKeyRangesMax)};
  DMSKAFKA_ASSIGN(const std::vector<KeyBound> bounds, sample_bounds(columns, sample));
  if (bounds.empty()) return std::vector<KeyRange>();
  return cut_by_bounds(names, bounds, KeyNulls::kNone);
}

Result<std::vector<KeyBound>> SegmentPlanner::sort_bounds(const KeyColumns& columns,
                                                          std::vector<KeyBound> bounds,
                                                          const JsonLocation& at) {
  auto sorted =
      in_savepoint([&] { return facts_.leader.query(sort_bounds_statement(columns, bounds), {}, {}); });
  if (sorted) return bounds_of(*sorted, columns.names.size());
  if (broken(sorted.error())) return std::move(sorted).error();
  return Error(ErrorCode::kInvalidMapping,
               fmt::format("the boundaries of the ranges do not fit the columns {}: {}",
                           fmt::join(columns.names, ", "), sorted.error().message()))
      .at(at);
}

Result<std::vector<KeyBound>> SegmentPlanner::sample_bounds(const KeyColumns& columns,
                                                            const BoundSample& sample) {
  auto rows =
      in_savepoint([&] { return facts_.leader.query(sample_bounds_statement(columns, sample), {}, {}); });
  if (rows) return bounds_of(*rows, columns.names.size());
  if (broken(rows.error())) return std::move(rows).error();
  log_warning(fmt::format("no sample of the keys of {}, so it is not cut by them: {}", sample.from,
                          rows.error().message()));
  return std::vector<KeyBound>();
}

Result<std::vector<Leaf>> SegmentPlanner::read_leaves(const TableSchema& table) {
  const std::string oid = TableHandle::parse(table.source_handle).oid;
  const std::string locked = facts_.locked.contains(&table) ? "true" : "false";
  DMSKAFKA_ASSIGN(const QueryResult rows, in_savepoint([&] {
                    return facts_.leader.query(kLoadLeavesSql, {oid, locked}, {});
                  }));
  std::vector<Leaf> leaves;
  for (int row = 0; row < rows.rows(); ++row) {
    Leaf leaf;
    leaf.oid = rows.text(row, 0);
    leaf.name = TableName{std::string(rows.text(row, 1)), std::string(rows.text(row, 2))};
    leaf.relation_kind = rows.text(row, 3).front();
    leaf.heap = rows.boolean(row, 4);
    leaf.readable_alone = rows.boolean(row, 5);
    leaf.heap_bytes = to_number(rows.text(row, 6));
    leaf.bytes = leaf.heap_bytes + to_number(rows.text(row, 7));
    leaf.path = split_lines(rows.text(row, 8));
    leaves.push_back(std::move(leaf));
  }
  return leaves;
}

/// Only rows of ordinary tables carry the transaction that wrote them.
PlanToken SegmentPlanner::token_of(const std::vector<Leaf>& leaves) const {
  PlanToken token{PlanToken::Kind::kTables, facts_.xmin, ""};
  std::vector<std::string> oids;
  for (const Leaf& leaf : leaves) {
    if (leaf.relation_kind != 'r') return PlanToken{PlanToken::Kind::kNone, 0, ""};
    oids.push_back(leaf.oid);
  }
  std::ranges::sort(oids);
  token.relations = fmt::format("{}", fmt::join(oids, ","));
  return token;
}

Result<ResumedSegments> SegmentPlanner::resume(const TableSchema& table, const std::string& token,
                                               std::span<const StoredSegment> stored) {
  ResumedSegments resumed;
  DMSKAFKA_ASSIGN(const PlanToken plan, parse_plan_token(token));
  std::string relations;
  if (plan.kind == PlanToken::Kind::kFiles) {
    if (by_pages(table)) relations = facts_.layouts.at(&table).files;
  } else if (plan.kind == PlanToken::Kind::kTables) {
    DMSKAFKA_ASSIGN(const std::vector<Leaf> leaves, read_leaves(table));
    relations = token_of(leaves).relations;
  }
  if (relations.empty() || relations != plan.relations) {
    resumed.reload = true;
    resumed.reason =
        plan.kind == PlanToken::Kind::kNone
            ? "nothing tells which of its rows were written since its load began; it is read from the start"
            : "the table was rewritten (or its partitions changed) since its load began; it is read from the "
              "start";
    return resumed;
  }
  std::vector<RowRange> done;
  for (const StoredSegment& segment : stored) {
    DMSKAFKA_ASSIGN(RowRange range, parse_row_range(segment.segment.range));
    if (segment.done) done.push_back(std::move(range));
  }
  auto number = static_cast<std::uint32_t>(stored.size());
  // One segment for each: a condition on several ranges would be a scan of the whole table.
  for (RowRange& range : join_row_ranges(done)) {
    range.touched_since = plan.snapshot_xmin;
    resumed.catch_up.push_back(Segment{&table, number++, print_row_range(range)});
  }
  return resumed;
}

}  // namespace dmskafka::postgres
