#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace dmskafka {

enum class FilterOperator : std::uint8_t { kLte, kGte, kEq, kNoteq, kBetween, kNotbetween, kNull, kNotnull };

/// One column compared with texts, as the mapping's evaluator does: numbers by their exact value, everything else byte by
/// byte in the column's canonical text; NULL passes kNull alone.
struct RowTest {
  std::uint32_t column = 0;  ///< index into TableSchema::columns
  FilterOperator op = FilterOperator::kEq;
  std::string low;   ///< the operand, or the lower end of a range, which belongs to it
  std::string high;  ///< the upper end of a range, which belongs to it
};

/// The rows a mapping selects of one table: those that pass one test of every clause. A source may leave rows out by itself
/// where its database provably agrees with the tests; every row it brings is tested again.
struct RowCondition {
  using Clause = std::vector<RowTest>;
  std::vector<Clause> clauses;
};

}  // namespace dmskafka
