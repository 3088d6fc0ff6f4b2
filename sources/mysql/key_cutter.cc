#include "sources/mysql/key_cutter.h"

#include <fmt/format.h>

#include <charconv>
#include <utility>

#include "sources/mysql/identifier.h"
#include "sources/mysql/key_values.h"

namespace dmskafka::mysql {
namespace {

/// Halving gains so little with keys that go so deep that walking is better.
constexpr int kDepthMax = 64;
/// Attempts to name a value that has rows below and above it.
constexpr int kProbesMax = 8;

std::string joined(std::string_view first, std::string_view second) {
  return first.empty() ? std::string(second) : fmt::format("{} AND {}", first, second);
}

std::string where(const std::string& condition) { return condition.empty() ? "" : " WHERE " + condition; }

}  // namespace

Result<std::vector<KeyBound>> KeyCutter::cut(const std::stop_token& stop) {
  stop_ = stop;
  bounds_.clear();
  DMSKAFKA_ASSIGN(const std::optional<Piece> all, ends({}, 0));
  if (all) DMSKAFKA_TRY(cut_piece(*all));
  return std::move(bounds_);
}

Result<void> KeyCutter::cut_piece(const Piece& piece) {
  DMSKAFKA_ASSIGN(const std::uint64_t rows, estimate(piece_condition(piece)));
  if (rows <= request_.rows_wanted + request_.rows_wanted / 2) return {};
  if (piece.low == piece.high) return cut_equal(piece);
  if (piece.depth > kDepthMax) return walk(piece);
  DMSKAFKA_ASSIGN(const std::optional<Split> halves, split(piece));
  if (!halves) return walk(piece);
  DMSKAFKA_TRY(cut_piece(Piece{piece.prefix, piece.low, halves->last_below, piece.depth + 1}));
  bounds_.push_back(halves->first);
  return cut_piece(Piece{piece.prefix, halves->first[piece.prefix.size()], piece.high, piece.depth + 1});
}

/// One value in this column: the next one tells its rows apart, if there is one.
Result<void> KeyCutter::cut_equal(const Piece& piece) {
  std::vector<std::string> prefix = piece.prefix;
  prefix.push_back(piece.low);
  if (prefix.size() == request_.columns.size()) return {};
  DMSKAFKA_ASSIGN(const std::optional<Piece> below, ends(std::move(prefix), piece.depth + 1));
  if (below) return cut_piece(*below);
  return {};
}

Result<void> KeyCutter::walk(const Piece& piece) {
  const std::string condition = piece_condition(piece);
  std::string reached = condition;
  KeyRange rest;
  for (std::size_t i = 0; i < request_.columns.size(); ++i) rest.columns.push_back(column(i).name);
  while (true) {
    if (stop_.stop_requested()) return Error(ErrorCode::kCancelled, "stopped");
    DMSKAFKA_ASSIGN(std::optional<KeyBound> next, first_key(reached, request_.rows_wanted));
    // Rows may be equal in these columns, more than belong into one range.
    if (!next || next == rest.first) return {};
    bounds_.push_back(*next);
    rest.first = std::move(next);
    reached = joined(condition, range_condition(*request_.table, rest));
  }
}

Result<std::optional<KeyCutter::Split>> KeyCutter::split(const Piece& piece) {
  const std::size_t place = piece.prefix.size();
  const std::string name = quote_identifier(column(place).name);
  const std::string all = piece_condition(piece);
  std::string low = piece.low;
  std::string high = piece.high;
  for (int probe = 0; probe < kProbesMax; ++probe) {
    DMSKAFKA_ASSIGN(const std::optional<std::string> middle, between(column(place), low, high));
    if (!middle) break;
    const std::string literal = bound_literal(column(place), *middle);
    DMSKAFKA_ASSIGN(std::optional<KeyBound> first,
                    first_key(joined(all, fmt::format("{} >= {}", name, literal)), 0));
    if (!first) {
      high = *middle;
      continue;
    }
    DMSKAFKA_ASSIGN(std::optional<std::string> last,
                    last_value(place, joined(all, fmt::format("{} < {}", name, literal))));
    if (last) return std::optional<Split>(Split{*std::move(first), *std::move(last)});
    low = *middle;
  }
  return std::optional<Split>();
}

Result<std::optional<std::string>> KeyCutter::between(const ColumnSchema& of, const std::string& low,
                                                      const std::string& high) {
  const std::optional<std::string> query = midpoint_query(of, low, high);
  if (!query) return midpoint(of, low, high);
  DMSKAFKA_ASSIGN(const QueryResult row, connection_.query(*query, stop_));
  const std::string middle(row.text(0, 0));
  if (row.is_null(0, 0) || !is_bound(of, middle) || middle == low) return std::optional<std::string>();
  return std::optional<std::string>(middle);
}

/// The rows with these values in the first columns, as a piece; nullopt: there are none.
Result<std::optional<KeyCutter::Piece>> KeyCutter::ends(std::vector<std::string> prefix, int depth) {
  const std::string condition = prefix_condition(prefix);
  const std::size_t place = prefix.size();
  DMSKAFKA_ASSIGN(const std::optional<KeyBound> first, first_key(condition, 0));
  if (!first) return std::optional<Piece>();
  DMSKAFKA_ASSIGN(std::optional<std::string> last, last_value(place, condition));
  return std::optional<Piece>(
      Piece{std::move(prefix), (*first)[place], last ? *std::move(last) : (*first)[place], depth});
}

Result<std::uint64_t> KeyCutter::estimate(const std::string& condition) {
  DMSKAFKA_ASSIGN(const QueryResult plan,
                  connection_.query("EXPLAIN SELECT 1" + source() + where(condition), stop_));
  const auto column = plan.find_column("rows");
  std::uint64_t rows = 0;
  if (column && plan.rows() > 0) {
    const std::string_view text = plan.text(0, *column);
    std::from_chars(text.data(), text.data() + text.size(), rows);
  }
  return rows;
}

Result<std::optional<KeyBound>> KeyCutter::first_key(const std::string& condition, std::uint64_t offset) {
  std::string columns;
  for (std::size_t i = 0; i < request_.columns.size(); ++i) {
    columns += (i == 0 ? "" : ", ") + bound_expression(column(i));
  }
  DMSKAFKA_ASSIGN(const Connection::Outcome outcome,
                  connection_.run(fmt::format("SELECT {}{}{}{} LIMIT 1 OFFSET {}", columns, source(),
                                              where(condition), order("ASC"), offset),
                                  std::chrono::seconds(0), stop_));
  if (outcome.failure) return query_error(*outcome.failure);
  if (outcome.rows.rows() == 0) return std::optional<KeyBound>();
  KeyBound bound;
  for (std::size_t i = 0; i < request_.columns.size(); ++i) bound.emplace_back(outcome.rows.text(0, i));
  return std::optional<KeyBound>(std::move(bound));
}

Result<std::optional<std::string>> KeyCutter::last_value(std::size_t place, const std::string& condition) {
  DMSKAFKA_ASSIGN(const QueryResult row,
                  connection_.query(fmt::format("SELECT {}{}{}{} LIMIT 1", bound_expression(column(place)),
                                                source(), where(condition), order("DESC")),
                                    stop_));
  if (row.rows() == 0) return std::optional<std::string>();
  return std::optional<std::string>(row.text(0, 0));
}

std::string KeyCutter::prefix_condition(const std::vector<std::string>& prefix) const {
  std::string condition;
  for (std::size_t i = 0; i < request_.columns.size(); ++i) {
    const std::string name = quote_identifier(column(i).name);
    if (i < prefix.size()) {
      condition = joined(condition, fmt::format("{} = {}", name, bound_literal(column(i), prefix[i])));
    } else if (column(i).nullable) {
      condition = joined(condition, name + " IS NOT NULL");  // those rows have a range of their own
    }
  }
  return condition;
}

std::string KeyCutter::piece_condition(const Piece& piece) const {
  const ColumnSchema& of = column(piece.prefix.size());
  const std::string name = quote_identifier(of.name);
  return joined(prefix_condition(piece.prefix),
                fmt::format("{0} >= {1} AND {0} <= {2}", name, bound_literal(of, piece.low),
                            bound_literal(of, piece.high)));
}

std::string KeyCutter::source() const {
  return fmt::format(" FROM {} FORCE INDEX ({})", request_.from, quote_identifier(request_.index));
}

std::string KeyCutter::order(std::string_view direction) const {
  std::string text;
  for (std::size_t i = 0; i < request_.columns.size(); ++i) {
    text += fmt::format("{}{} {}", i == 0 ? " ORDER BY " : ", ", quote_identifier(column(i).name), direction);
  }
  return text;
}

}  // namespace dmskafka::mysql
