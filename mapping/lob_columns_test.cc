#include "mapping/lob_columns.h"

#include <doctest/doctest.h>

using namespace dmskafka;

namespace {

// Columns id, doc (LOB), img (LOB).
TableSchema table(std::vector<std::uint32_t> primary_key) {
  TableSchema schema;
  schema.name = {"public", "t"};
  for (const char* const name : {"id", "doc", "img"}) {
    ColumnSchema column;
    column.name = name;
    column.lob = column.name != "id";
    schema.columns.push_back(column);
  }
  schema.primary_key = std::move(primary_key);
  return schema;
}

std::string sent(LobColumns lobs, const TableSchema& schema) {
  std::string names;
  for (std::uint32_t i = 0; i < schema.columns.size(); ++i) {
    if (is_sent(lobs, schema, i)) names += schema.columns[i].name + " ";
  }
  return names;
}

}  // namespace

TEST_CASE("lob_columns: the settings choose") {
  TaskSettings task;
  CHECK(lob_columns_of(task) == LobColumns::kSent);
  task.dmskafka.dialect = Dialect::kDocumented;
  CHECK(lob_columns_of(task) == LobColumns::kSent);
  task.dmskafka.dialect = Dialect::kDmsStrict;
  CHECK(lob_columns_of(task) == LobColumns::kSentWithKey);
  task.support_lobs = false;
  CHECK(lob_columns_of(task) == LobColumns::kLeftOut);
}

TEST_CASE("lob_columns: dms-strict drops them where there is no key, SupportLobs=false everywhere") {
  CHECK(sent(LobColumns::kSent, table({})) == "id doc img ");
  CHECK(sent(LobColumns::kSentWithKey, table({0})) == "id doc img ");
  CHECK(sent(LobColumns::kSentWithKey, table({})) == "id ");
  CHECK(sent(LobColumns::kLeftOut, table({0})) == "id ");
  CHECK(lob_remarks(LobColumns::kSent, table({})).empty());
  CHECK(lob_remarks(LobColumns::kSentWithKey, table({})).at(0) ==
        "LOB columns are left out: doc, img (Dialect dms-strict, as DMS, sends none of a table without a "
        "primary key)");
}

TEST_CASE("lob_columns: a LOB that is the key stays") {
  CHECK(sent(LobColumns::kLeftOut, table({1})) == "id doc ");
  CHECK(lob_remarks(LobColumns::kLeftOut, table({1})).at(0) ==
        "LOB columns are left out: img (SupportLobs is false)");
}
