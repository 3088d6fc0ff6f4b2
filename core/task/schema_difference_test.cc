#include "core/task/schema_difference.h"

#include <doctest/doctest.h>

using namespace dmskafka;

namespace {

ColumnSchema column(std::string name, std::string type = "integer", std::uint32_t number = 0) {
  ColumnSchema column;
  column.name = std::move(name);
  column.source_type = std::move(type);
  column.type = column.source_type == "integer" ? DmsType::kInt32 : DmsType::kString;
  column.number = number;
  return column;
}

TableSchema table(std::vector<ColumnSchema> columns) {
  TableSchema table;
  table.name = {"public", "films"};
  table.columns = std::move(columns);
  return table;
}

const char* word(ControlOperation operation) {
  switch (operation) {
    case ControlOperation::kDropTable: return "drop-table";
    case ControlOperation::kCreateTable: return "create-table";
    case ControlOperation::kAddColumn: return "add";
    case ControlOperation::kDropColumn: return "drop";
    case ControlOperation::kRenameColumn: return "rename";
    case ControlOperation::kColumnTypeChange: return "type";
    case ControlOperation::kChangeColumns: return "change";
    case ControlOperation::kRenameTable: return "rename-table";
    case ControlOperation::kTruncateTable: return "truncate-table";
  }
  return "";
}

std::string names(const TableSchema& table) {
  std::string text;
  for (const ColumnSchema& column : table.columns) text += (text.empty() ? "" : ",") + column.name;
  return text;
}

// "drop(b) a,c; add(d) a,c,d": operation, column-names, the columns after the step. Each step begins where the one before
// it ended.
std::string steps(const TableSchema& before, const TableSchema& after) {
  std::string text;
  std::string last = names(before);
  for (const SchemaStep& step : schema_difference(before, after)) {
    CHECK(names(step.before) == last);
    last = names(step.after);
    text += (text.empty() ? "" : "; ") + std::string(word(step.operation)) + "(";
    for (std::size_t i = 0; i < step.columns.size(); ++i) text += (i == 0 ? "" : ",") + step.columns[i];
    text += ") " + last;
  }
  return text;
}

}  // namespace

TEST_CASE("schema_difference: equal tables have none") {
  CHECK(steps(table({column("a"), column("b")}), table({column("a"), column("b")})).empty());
}

TEST_CASE("schema_difference: columns that came and went") {
  CHECK(steps(table({column("a")}), table({column("a"), column("b"), column("c", "text")})) ==
        "add(b,c) a,b,c");
  CHECK(steps(table({column("a"), column("b"), column("c")}), table({column("a")})) == "drop(b,c) a");
  CHECK(steps(table({column("a"), column("b")}), table({column("a"), column("c", "text")})) ==
        "drop(b) a; add(c) a,c");
}

TEST_CASE("schema_difference: without numbers, one of the same type at the same place is a rename") {
  CHECK(steps(table({column("a"), column("b"), column("c")}),
              table({column("a"), column("x"), column("c")})) == "rename(b,x) a,x,c");
  CHECK(steps(table({column("a"), column("b"), column("c")}),
              table({column("a"), column("c"), column("x")})) == "drop(b) a,c; add(x) a,c,x");
}

TEST_CASE("schema_difference: numbers tell a rename from a drop and an add") {
  CHECK(steps(table({column("a", "integer", 1), column("b", "integer", 2)}),
              table({column("a", "integer", 1), column("c", "integer", 3)})) == "drop(b) a; add(c) a,c");
  CHECK(steps(table({column("a", "integer", 1), column("b", "integer", 2)}),
              table({column("a", "integer", 1), column("c", "integer", 2)})) == "rename(b,c) a,c");
  // Dropped and made again under its name: its values are gone.
  CHECK(steps(table({column("a", "integer", 1), column("b", "integer", 2)}),
              table({column("a", "integer", 1), column("b", "integer", 3)})) == "drop(b) a; add(b) a,b");
}

TEST_CASE("schema_difference: a name is taken once it is free; names that change places do so at once") {
  CHECK(steps(table({column("a", "integer", 1), column("b", "integer", 2)}),
              table({column("b", "integer", 1), column("c", "integer", 2)})) ==
        "rename(b,c) a,c; rename(a,b) b,c");
  CHECK(steps(table({column("a", "integer", 1), column("b", "integer", 2)}),
              table({column("b", "integer", 1), column("a", "integer", 2)})) == "change(a,b,b,a) b,a");
  CHECK(steps(table({column("a", "integer", 1), column("b", "integer", 2)}),
              table({column("b", "integer", 1), column("a", "integer", 3)})) ==
        "drop(b) a; rename(a,b) b; add(a) b,a");
}

TEST_CASE("schema_difference: types") {
  TableSchema after = table({column("a"), column("b", "text")});
  CHECK(steps(table({column("a"), column("b")}), after) == "type(b) a,b");
  CHECK(steps(table({column("a", "integer", 1)}), table({column("b", "text", 1)})) == "change(a,b) b");
  TableSchema before = after;
  after.columns[0].nullable = false;
  CHECK(steps(before, after) == "type(a) a,b");
  after = before;
  after.columns[1].source_type = "character varying";  // a consumer sees the same STRING
  CHECK(steps(before, after).empty());
}

TEST_CASE("schema_difference: a table's name, and all kinds at once in an order that could happen") {
  TableSchema after = table({column("a", "integer", 1), column("z", "integer", 3), column("d", "text", 4),
                             column("e", "integer", 5)});
  after.name.table = "movies";
  const TableSchema before = table({column("a", "integer", 1), column("b", "integer", 2),
                                    column("c", "integer", 3), column("d", "integer", 4)});
  CHECK(steps(before, after) ==
        "rename-table() a,b,c,d; drop(b) a,c,d; rename(c,z) a,z,d; type(d) a,z,d; add(e) a,z,d,e");
  const std::vector<SchemaStep> all = schema_difference(before, after);
  CHECK(all.front().before.name.table == "films");
  CHECK(all.front().after.name.table == "movies");
  CHECK(all.back().before.name.table == "movies");
}

TEST_CASE("schema_difference: a key that changed alone") {
  TableSchema before = table({column("a"), column("b")});
  before.primary_key = {0};
  TableSchema after = before;
  after.primary_key = {0, 1};
  CHECK(steps(before, after) == "change(a,b) a,b");
  after = table({column("b")});
  CHECK(steps(before, after) == "drop(a) b");
  CHECK(schema_difference(before, after)[0].after.primary_key.empty());
}
