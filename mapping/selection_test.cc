#include "mapping/selection.h"

#include <doctest/doctest.h>

#include <string>
#include <utility>

using namespace dmskafka;

namespace {

SelectionRule rule(std::int64_t id, SelectionAction action, std::string_view table,
                   std::optional<std::int64_t> load_order = std::nullopt) {
  return {id,
          action,
          {NamePattern::wildcard("%"), NamePattern::wildcard(table), ObjectLocator::TableType::kTable},
          load_order};
}

std::string names(const std::vector<SelectedTable>& tables) {
  std::string text;
  for (const SelectedTable& table : tables)
    text += table.name.text() + ":" + std::to_string(table.load_order) + " ";
  return text;
}

const std::vector<CatalogTable> kCatalog = {
    {{"s", "b"}, TableKind::kTable}, {{"s", "a"}, TableKind::kTable}, {{"s", "v"}, TableKind::kView}};

}  // namespace

TEST_CASE("selection: exclude beats include, whatever the order of the rules") {
  const auto include = rule(1, SelectionAction::kInclude, "%");
  const auto exclude = rule(2, SelectionAction::kExclude, "b");
  CHECK(names(Selection({include, exclude}).select(kCatalog)) == "s.a:0 ");
  CHECK(names(Selection({exclude, include}).select(kCatalog)) == "s.a:0 ");
}

TEST_CASE("selection: a higher load order comes first, then the name") {
  CHECK(names(Selection({rule(1, SelectionAction::kInclude, "%"), rule(2, SelectionAction::kInclude, "b", 5)})
                  .select(kCatalog)) == "s.b:5 s.a:0 ");
}

TEST_CASE("selection: of two load orders the one of the lower rule-id counts") {
  CHECK(names(Selection(
                  {rule(9, SelectionAction::kInclude, "a", 1), rule(3, SelectionAction::kInclude, "%", 2)})
                  .select(kCatalog)) == "s.a:2 s.b:2 ");
}

TEST_CASE("selection: what no rule includes is not selected; everything() takes tables, no views") {
  CHECK(names(Selection({rule(1, SelectionAction::kInclude, "x%")}).select(kCatalog)).empty());
  CHECK(names(Selection::everything().select(kCatalog)) == "s.a:0 s.b:0 ");
}

TEST_CASE("selection: canonical() knows neither ids, order, repetition nor load order") {
  const auto include = rule(1, SelectionAction::kInclude, "%");
  const auto exclude = rule(2, SelectionAction::kExclude, "b");
  auto other = rule(7, SelectionAction::kInclude, "%%", 3);
  CHECK(Selection({include, exclude}).canonical() == Selection({exclude, other, include}).canonical());
  CHECK(Selection({include}).canonical() == Selection::everything().canonical());
  CHECK(Selection({include}).canonical() != Selection({include, exclude}).canonical());
  other.locator.type = ObjectLocator::TableType::kAll;
  CHECK(Selection({other}).canonical() != Selection({include}).canonical());
}
