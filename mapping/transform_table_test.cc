#include "mapping/transform_table.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace dmskafka;

namespace {

using Action = TransformationAction;
using Target = TransformationTarget;

TableSchema orders() {
  TableSchema table;
  table.name = {"public", "orders"};
  for (const char* name : {"id", "note", "total"}) table.columns.emplace_back().name = name;
  table.columns[0].type = DmsType::kInt64;
  table.columns[0].value_kind = ValueKind::kInteger;
  table.columns[2].type = DmsType::kDecimal;
  table.columns[2].value_kind = ValueKind::kDecimal;
  table.primary_key = {0};
  return table;
}

TransformationRule rule(std::int64_t id, Action action, Target target, std::string value = "",
                        std::string column = "%") {
  TransformationRule made{id, action, target, ObjectLocator::everything()};
  if (target == Target::kColumn && action != Action::kAddColumn) made.column = NamePattern::wildcard(column);
  made.value = std::move(value);
  return made;
}

TransformedTable transformed(const std::vector<TransformationRule>& rules) {
  auto table = transform_table(orders(), rules, {});
  REQUIRE_MESSAGE(table.ok(), (table.ok() ? "" : table.error().to_string()));
  return std::move(*table);
}

std::string names(const TransformedTable& table) {
  std::string text = table.shown.schema.name.text() + ":";
  for (const ColumnSchema& column : table.shown.schema.columns) text += " " + column.name;
  return text;
}

}  // namespace

TEST_CASE("transform_table: without rules a table is shown as it is, and computes nothing") {
  const TransformedTable table = transformed({});
  CHECK(names(table) == "public.orders: id note total");
  CHECK(table.computed == nullptr);
  CHECK(table.shown.schema.primary_key == std::vector<std::uint32_t>{0});
  CHECK(table.rules.empty());
}

TEST_CASE("transform_table: rules of different targets compose, names have no cost for a row") {
  const TransformedTable table = transformed(
      {rule(1, Action::kRename, Target::kSchema, "shop"), rule(2, Action::kConvertUppercase, Target::kTable),
       rule(3, Action::kAddPrefix, Target::kColumn, "c_", "n%"),
       rule(4, Action::kRemoveColumn, Target::kColumn, "", "nothing")});
  CHECK(names(table) == "shop.ORDERS: id c_note total");
  CHECK(table.computed == nullptr);
  CHECK(table.schema_renamed);
  CHECK(table.rules == std::vector<std::int64_t>{1, 2, 3});  // 4 met no column
}

TEST_CASE("transform_table: of two rules that name one object the first counts, and the other is named") {
  const TransformedTable table =
      transformed({rule(5, Action::kAddSuffix, Target::kColumn, "_x", "note"),
                   rule(7, Action::kConvertUppercase, Target::kColumn, "", "note")});
  CHECK(names(table) == "public.orders: id note_x total");
  REQUIRE(table.warnings.size() == 1);
  CHECK(table.warnings[0].message() ==
        "convert-uppercase of public.orders has no effect on column \"note\": rule 5 comes first");
}

TEST_CASE("transform_table: a key loses a removed column, and a defined key replaces the source's") {
  const TransformedTable without = transformed({rule(1, Action::kRemoveColumn, Target::kColumn, "", "id")});
  CHECK(without.shown.schema.primary_key.empty());
  TransformationRule key = rule(1, Action::kDefinePrimaryKey, Target::kTable);
  key.key_columns = {"TOTAL", "note"};
  CHECK(transformed({key}).shown.schema.primary_key == std::vector<std::uint32_t>{2, 1});
}

TEST_CASE(
    "transform_table: an added column stands last, is matched by its name and can be used by later rules") {
  TransformationRule add = rule(1, Action::kAddColumn, Target::kColumn, "double");
  add.expression = "$total * 2";
  TransformationRule again = rule(2, Action::kAddColumn, Target::kColumn, "text");
  again.expression = "'x' || $double";
  const TransformedTable table =
      transformed({add, again, rule(3, Action::kRename, Target::kColumn, "twice", "double")});
  CHECK(names(table) == "public.orders: id note total twice text");
  REQUIRE(table.computed != nullptr);
  CHECK(table.shown.slots == std::vector<std::uint32_t>{0, 1, 2, 3, 4});
  CHECK(table.shown.source_names == std::vector<std::string>{"id", "note", "total", "", ""});
}

TEST_CASE("transform_table: include-column leaves added columns in") {
  TransformationRule add = rule(2, Action::kAddColumn, Target::kColumn, "new");
  add.expression = "1";
  CHECK(names(transformed({rule(1, Action::kIncludeColumn, Target::kColumn, "", "id"), add})) ==
        "public.orders: id new");
}

TEST_CASE("transform_table: a rule by data-type meets the columns of that type alone") {
  TransformationRule retype = rule(1, Action::kChangeDataType, Target::kColumn, "", "%");
  retype.locator_type = "numeric";
  retype.data_type = *data_type_of("string");
  const TransformedTable table = transformed({retype});
  CHECK(table.shown.schema.columns[0].type == DmsType::kInt64);
  CHECK(table.shown.schema.columns[2].type == DmsType::kString);
}

TEST_CASE("transform_table: a hash is a text of 64 characters; the other masks keep the type") {
  TransformationRule mask = rule(1, Action::kDigitsMask, Target::kColumn, "#", "note");
  const TransformedTable table =
      transformed({rule(2, Action::kHashMask, Target::kColumn, "", "total"), mask});
  CHECK(table.shown.schema.columns[2].type == DmsType::kString);
  CHECK(table.shown.schema.columns[2].length == 64U);
  CHECK(table.shown.schema.columns[1].type == DmsType::kString);
  CHECK(table.shown.slots == std::vector<std::uint32_t>{0, 4, 3});
}

TEST_CASE("transform_table: the user of a change is NULL, with a word about it") {
  TransformationRule add = rule(1, Action::kAddColumn, Target::kColumn, "who");
  add.expression = "coalesce($AR_H_USER, 'nobody')";
  const TransformedTable table = transformed({add});
  REQUIRE(table.warnings.size() == 1);
  CHECK(table.warnings[0].message() ==
        "$AR_H_USER is NULL in public.orders: the source's log does not say who made a change");
}
