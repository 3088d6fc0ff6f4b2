#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/task/planner.h"
#include "mapping/filter.h"
#include "mapping/object_locator.h"

namespace dmskafka {

/// `explicit` includes like `include`, but names one table without wildcards.
enum class SelectionAction : std::uint8_t { kInclude, kExclude, kExplicit };

/// A selection rule. Everything that can be wrong with it was reported when it was read.
struct SelectionRule {
  std::int64_t id = 0;
  SelectionAction action = SelectionAction::kInclude;
  ObjectLocator locator;
  std::optional<std::int64_t> load_order;  ///< higher first
  std::vector<Filter> filters = {};
  std::string canonical_filters = {};  ///< for the digest
  JsonLocation defined_at = {};
};

/// Which tables a task loads. Immutable; any thread.
class Selection {
 public:
  explicit Selection(std::vector<SelectionRule> rules);
  /// Every table, no views: a task without a mapping.
  static Selection everything();

  /// A table is selected when a rule includes it and none excludes it. By falling load order, then by name; a
  /// table that several rules include has the load order of the lowest rule-id that gives one.
  std::vector<SelectedTable> select(const std::vector<CatalogTable>& catalog) const;
  /// A warning for each rule that matches none of the tables.
  void name_idle(const std::vector<CatalogTable>& catalog, std::vector<Error>& warnings) const;
  /// Each rule with the tables it matches.
  std::vector<RuleReach> reach(const std::vector<CatalogTable>& catalog) const;
  /// The filters of every rule that includes the table: a row must pass them all.
  std::vector<Filter> filters_of(const TableName& name, TableKind kind) const;
  /// Equal for selections that choose alike: without ids, names, load orders and repetitions.
  std::string canonical() const;

 private:
  std::optional<SelectedTable> select_one(const CatalogTable& table) const;

  std::vector<SelectionRule> rules_;  // by rule-id
};

}  // namespace dmskafka
