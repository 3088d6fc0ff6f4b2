#include "mapping/selection.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <tuple>
#include <utility>

namespace dmskafka {

Selection::Selection(std::vector<SelectionRule> rules) : rules_(std::move(rules)) {
  std::stable_sort(rules_.begin(), rules_.end(),
                   [](const SelectionRule& a, const SelectionRule& b) { return a.id < b.id; });
}

Selection Selection::everything() {
  std::vector<SelectionRule> rules;
  rules.push_back({1, SelectionAction::kInclude, ObjectLocator::everything(), std::nullopt});
  return Selection(std::move(rules));
}

std::optional<SelectedTable> Selection::select_one(const CatalogTable& table) const {
  bool included = false;
  std::optional<std::int64_t> load_order;
  for (const SelectionRule& rule : rules_) {
    if (!rule.locator.matches(table.name, table.kind)) continue;
    if (rule.action == SelectionAction::kExclude) return std::nullopt;
    included = true;
    if (!load_order) load_order = rule.load_order;
  }
  if (!included) return std::nullopt;
  return SelectedTable{table.name, table.kind, load_order.value_or(0)};
}

std::vector<SelectedTable> Selection::select(const std::vector<CatalogTable>& catalog) const {
  std::vector<SelectedTable> selected;
  for (const CatalogTable& table : catalog) {
    if (auto chosen = select_one(table)) selected.push_back(std::move(*chosen));
  }
  std::sort(selected.begin(), selected.end(), [](const SelectedTable& a, const SelectedTable& b) {
    return std::tie(b.load_order, a.name) < std::tie(a.load_order, b.name);
  });
  return selected;
}

void Selection::name_idle(const std::vector<CatalogTable>& catalog, std::vector<Error>& warnings) const {
  for (const SelectionRule& rule : rules_) {
    const bool matches = std::any_of(catalog.begin(), catalog.end(), [&](const CatalogTable& table) {
      return rule.locator.matches(table.name, table.kind);
    });
    if (matches) continue;
    warnings.push_back(Error(ErrorCode::kInvalidMapping,
                             fmt::format("selection rule {} matches no table of the source", rule.id))
                           .at(rule.defined_at));
  }
}

std::vector<RuleReach> Selection::reach(const std::vector<CatalogTable>& catalog) const {
  constexpr std::array<std::string_view, 3> kActions = {"include", "exclude", "explicit"};
  std::vector<RuleReach> reaches;
  for (const SelectionRule& rule : rules_) {
    RuleReach reach{rule.id, "selection", std::string(kActions[static_cast<std::size_t>(rule.action)]), {}};
    for (const CatalogTable& table : catalog) {
      if (rule.locator.matches(table.name, table.kind)) reach.tables.push_back(table.name);
    }
    reaches.push_back(std::move(reach));
  }
  return reaches;
}

std::vector<Filter> Selection::filters_of(const TableName& name, TableKind kind) const {
  std::vector<Filter> filters;
  for (const SelectionRule& rule : rules_) {
    if (!rule.locator.matches(name, kind)) continue;
    filters.insert(filters.end(), rule.filters.begin(), rule.filters.end());
  }
  return filters;
}

std::string Selection::canonical() const {
  std::set<std::string> lines;
  for (const SelectionRule& rule : rules_) {
    const bool exclude = rule.action == SelectionAction::kExclude;
    lines.insert((exclude ? "exclude|" : "include|") + rule.locator.canonical() + rule.canonical_filters);
  }
  std::string text;
  for (const std::string& line : lines) text += line + '\n';
  return text;
}

}  // namespace dmskafka
