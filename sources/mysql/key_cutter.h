#pragma once
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "core/base/key_range.h"
#include "core/base/result.h"
#include "core/base/table_schema.h"
#include "sources/mysql/connection.h"

namespace dmskafka::mysql {

/// The rows that are to be cut, by columns an index begins with.
struct CutRequest {
  const TableSchema* table = nullptr;
  std::string from;                    ///< "`s`.`t`", or "`s`.`t` PARTITION (`p`)"
  std::string index;                   ///< its name
  std::vector<std::uint32_t> columns;  ///< of its beginning, at least one; none of KeyFamily::kNone
  std::uint64_t rows_wanted = 1;       ///< in one range, about
};

/// Finds bounds between ranges of about as many rows, however the keys are spread: a range that the server's own estimate
/// (EXPLAIN, which looks at a few pages of the index) finds too large is halved, by the values of its first column that differ.
/// Where no value between two can be named, the index is walked. Every bound is a key that exists. Few and short queries for
/// numbers, dates and common texts; reading the index once otherwise.
class KeyCutter {
 public:
  /// Both outlive it.
  KeyCutter(Connection& connection, const CutRequest& request) : connection_(connection), request_(request) {}
  /// In order, each once. Errors: query_error(), kCancelled.
  Result<std::vector<KeyBound>> cut(const std::stop_token& stop);

 private:
  /// Rows with these values in the first columns, and one between `low` and `high`, which exist, in the next.
  struct Piece {
    std::vector<std::string> prefix;
    std::string low;
    std::string high;
    int depth = 0;
  };
  Result<void> cut_piece(const Piece& piece);
  Result<void> cut_equal(const Piece& piece);
  Result<void> walk(const Piece& piece);
  /// The first key of the upper half with the last value of the lower one; nullopt: no place was found.
  struct Split {
    KeyBound first;
    std::string last_below;
  };
  Result<std::optional<Split>> split(const Piece& piece);
  Result<std::optional<std::string>> between(const ColumnSchema& column, const std::string& low,
                                             const std::string& high);
  Result<std::optional<Piece>> ends(std::vector<std::string> prefix, int depth);
  Result<std::uint64_t> estimate(const std::string& condition);
  Result<std::optional<KeyBound>> first_key(const std::string& condition, std::uint64_t offset);
  Result<std::optional<std::string>> last_value(std::size_t column, const std::string& condition);

  const ColumnSchema& column(std::size_t place) const {
    return request_.table->columns[request_.columns[place]];
  }
  std::string prefix_condition(const std::vector<std::string>& prefix) const;
  std::string piece_condition(const Piece& piece) const;
  std::string source() const;
  std::string order(std::string_view direction) const;

  Connection& connection_;
  const CutRequest& request_;
  std::stop_token stop_;
  std::vector<KeyBound> bounds_;
};

}  // namespace dmskafka::mysql
