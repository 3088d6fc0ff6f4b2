#include "sources/sqlite/sqlite_source.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <vector>

#include "sources/sqlite/database_for_test.h"

namespace dmskafka {
namespace {

namespace fs = std::filesystem;

std::string listed(Source& source) {
  auto tables = source.list_tables();
  if (!tables) FAIL(tables.error().to_string());
  std::string text;
  for (const CatalogTable& table : tables.value()) {
    text += table.name.text() + (table.kind == TableKind::kView ? " (view)" : "") + "\n";
  }
  return text;
}

Error open_error(const std::string& file) {
  auto source = open_sqlite_source(sqlite_settings(file));
  REQUIRE(!source);
  return source.error();
}

Error describe_error(Source& source, const TableName& name) {
  auto schemas = source.describe_tables({&name, 1});
  REQUIRE(schemas);
  REQUIRE(!schemas.value().at(0));
  return schemas.value().at(0).error();
}

/// "name TYPE null|not null[ lob]" for each column, then the key.
std::string described(const TableSchema& schema) {
  std::string text;
  for (const ColumnSchema& column : schema.columns) {
    CHECK(column.value_kind == ValueKind::kDynamic);
    text += fmt::format("{} {} {}{}\n", column.name, dms_type_name(column.type),
                        column.nullable ? "null" : "not null", column.lob ? " lob" : "");
  }
  text += "key:";
  for (const std::uint32_t index : schema.primary_key) text += " " + schema.columns[index].name;
  return text;
}

TEST_CASE("sqlite_source: tables and views are listed, SQLite's own, shadow tables and ours are not") {
  TestDatabase database(
      "CREATE TABLE b (id INTEGER PRIMARY KEY AUTOINCREMENT);"  // makes sqlite_sequence
      "CREATE TABLE \"A \"\"quoted\"\" näme\" (x);"
      "CREATE VIEW v AS SELECT id FROM b;"
      "CREATE VIEW broken AS SELECT * FROM nowhere;"
      "CREATE VIRTUAL TABLE words USING fts5(text);"
      "CREATE VIRTUAL TABLE boxes USING rtree(id, x0, x1);"
      "CREATE TABLE words_of_mine (x);"  // looks like a shadow table, is none
      "CREATE TABLE _dmskafka_log (x);"
      "CREATE TEMP TABLE temporary (x);"
      "ANALYZE");
  auto source = open_source(database.path());
  CHECK(listed(*source) ==
        "main.A \"quoted\" näme\nmain.b\nmain.boxes\nmain.broken (view)\nmain.v "
        "(view)\nmain.words\nmain.words_of_mine\n");
}

TEST_CASE("sqlite_source: columns, nullability and key") {
  TestDatabase database(
      "CREATE TABLE rowid_key (id INTEGER PRIMARY KEY, name VARCHAR(40) NOT NULL, note TEXT, price "
      "DECIMAL(8,2));"
      "CREATE TABLE text_key (code TEXT PRIMARY KEY, v);"
      "CREATE TABLE int_key (code INT PRIMARY KEY, v);"
      "CREATE TABLE composite (a TEXT, b INTEGER, c BLOB, PRIMARY KEY (c, a));"
      "CREATE TABLE without_rowid (a TEXT, b INTEGER, PRIMARY KEY (b, a)) WITHOUT ROWID;"
      "CREATE TABLE strict_table (i INT, t TEXT, r REAL, b BLOB, x ANY, PRIMARY KEY (i)) STRICT;"
      "CREATE TABLE keyless (a INTEGER);"
      "CREATE TABLE generated (a INT, v INT GENERATED ALWAYS AS (a * 2), s TEXT AS (a || 'x') STORED);"
      "CREATE VIEW view_of AS SELECT id, name, id + 1 AS next FROM rowid_key;"
      "CREATE VIRTUAL TABLE words USING fts5(title, body);");
  auto source = open_source(database.path());
  CHECK(described(describe(*source, "rowid_key")) ==
        "id INT64 not null\nname STRING not null\nnote STRING null lob\nprice DECIMAL null\nkey: id");
  CHECK(described(describe(*source, "text_key")) == "code STRING null lob\nv STRING null lob\nkey: code");
  CHECK(described(describe(*source, "int_key")) == "code INT64 null\nv STRING null lob\nkey: code");
  CHECK(described(describe(*source, "composite")) ==
        "a STRING null lob\nb INT64 null\nc BINARY null lob\nkey: c a");
  CHECK(described(describe(*source, "without_rowid")) == "a STRING not null lob\nb INT64 not null\nkey: b a");
  CHECK(described(describe(*source, "strict_table")) ==
        "i INT64 not null\nt STRING null lob\nr DOUBLE null\nb BINARY null lob\nx STRING null lob\nkey: i");
  CHECK(described(describe(*source, "keyless")) == "a INT64 null\nkey:");
  CHECK(described(describe(*source, "generated")) == "a INT64 null\nv INT64 null\ns STRING null lob\nkey:");
  CHECK(described(describe(*source, "view_of")) ==
        "id INT64 null\nname STRING null\nnext STRING null lob\nkey:");
  CHECK(described(describe(*source, "words")) == "title STRING null lob\nbody STRING null lob\nkey:");
  CHECK(describe(*source, "view_of").kind == TableKind::kView);
  CHECK(describe(*source, "rowid_key").columns[1].source_type == "VARCHAR(40)");
}

TEST_CASE("sqlite_source: rows are estimated from ANALYZE, else from the rowids where they can be true") {
  TestDatabase database(
      "CREATE TABLE t (id INTEGER PRIMARY KEY, v); CREATE TABLE sparse (id INTEGER PRIMARY KEY, v); CREATE "
      "TABLE empty (v);"
      "INSERT INTO t(v) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) "
      "SELECT i FROM n;"
      "INSERT INTO sparse VALUES (-9223372036854775808, 1), (9223372036854775807, 2);"
      "CREATE TABLE own_rowid (rowid TEXT, v); INSERT INTO own_rowid VALUES ('x', 1)");
  auto source = open_source(database.path());
  CHECK(describe(*source, "t").rows_estimate == 1000);
  CHECK(describe(*source, "sparse").rows_estimate == std::nullopt);
  CHECK(describe(*source, "empty").rows_estimate == 0);
  CHECK(describe(*source, "own_rowid").rows_estimate == std::nullopt);
  database.execute("CREATE INDEX i ON t(v); ANALYZE");
  CHECK(describe(*source, "t").rows_estimate == 1000);
}

TEST_CASE("sqlite_source: a table that cannot be described does not hide the others") {
  TestDatabase database("CREATE TABLE t (a); CREATE VIEW broken AS SELECT * FROM nowhere;");
  auto source = open_source(database.path());
  const std::vector<TableName> names{
      {"main", "broken"}, {"main", "absent"}, {"main", "T"}, {"public", "t"}, {"main", "t"}};
  auto schemas = source->describe_tables(names);
  REQUIRE(schemas);
  REQUIRE(schemas.value().size() == 5);
  const std::string file = "sqlite:" + database.path();
  for (int i = 0; i < 4; ++i) {
    REQUIRE(!schemas.value()[static_cast<std::size_t>(i)]);
    CHECK(schemas.value()[static_cast<std::size_t>(i)].error().code() == ErrorCode::kTableUnreadable);
  }
  CHECK(schemas.value()[0].error().to_string() == file + ": no such table: main.nowhere");
  CHECK(schemas.value()[1].error().to_string() == file + ": main.absent: no such table");
  CHECK(schemas.value()[2].error().to_string() == file + ": main.T: no such table");
  CHECK(schemas.value()[3].error().to_string() == file + ": public.t: no such schema; SQLite's is \"main\"");
  CHECK(schemas.value()[4].ok());
}

TEST_CASE("sqlite_source: its identity is the file, whatever path led to it") {
  TestDatabase database("CREATE TABLE t (a)");
  fs::create_symlink(database.path(), database.directory() / "link.db");
  auto source = open_source((database.directory() / "link.db").string());
  CHECK(source->identity().value() == SourceIdentity{"sqlite", database.path(), "main"});
}

TEST_CASE("sqlite_source: what is no readable database is rejected in words") {
  TestDatabase database("CREATE TABLE t (a)");
  const std::string other = (database.directory() / "other.db").string();
  SUBCASE("absent") {
    CHECK(open_error(other).to_string() == "sqlite:" + other + ": No such file or directory");
    CHECK(!fs::exists(other));
  }
  SUBCASE("unnamed") { CHECK(open_error("").to_string() == "sqlite:: no file is named"); }
  SUBCASE("a directory") {
    const std::string directory = database.directory().string();
    CHECK(open_error(directory).to_string() ==
          "sqlite:" + directory + ": this is a directory, not a database file");
  }
  SUBCASE("text") {
    std::ofstream(other) << std::string(4096, 'x');
    const Error error = open_error(other);
    CHECK(error.code() == ErrorCode::kSourceRejected);
    CHECK(error.to_string() == "sqlite:" + other + ": this is not an SQLite database, or it is encrypted");
  }
  SUBCASE("no permission") {
    const bool as_root = geteuid() == 0;
    fs::permissions(database.directory(), fs::perms{0755});
    fs::permissions(database.path(), fs::perms{0000});
    if (as_root) REQUIRE(seteuid(65534) == 0);
    auto source = open_sqlite_source(sqlite_settings(database.path()));
    if (as_root) REQUIRE(seteuid(0) == 0);
    REQUIRE(!source);
    CHECK(source.error().code() == ErrorCode::kSourceRejected);
    CHECK(source.error().message().find(database.path()) != std::string::npos);
  }
}

TEST_CASE("sqlite_source: a database locked exclusively is unavailable, not rejected") {
  TestDatabase database("CREATE TABLE t (a)");
  database.execute("BEGIN EXCLUSIVE");
  const Error error = open_error(database.path());
  CHECK(error.code() == ErrorCode::kSourceUnavailable);
  CHECK(error.message() == "sqlite:" + database.path() + ": locked by another program for more than 5 s");
}

TEST_CASE("sqlite_source: a file replaced after its tables were listed is noticed") {
  TestDatabase database("CREATE TABLE t (a)");
  auto source = open_source(database.path());
  const TableSchema schema = describe(*source, "t");
  TestDatabase other("CREATE TABLE t (a)");
  fs::rename(other.path(), database.path());
  const TableSchema* tables[] = {&schema};
  auto snapshot = source->open_snapshot(tables, {});
  REQUIRE(!snapshot);
  CHECK(snapshot.error().code() == ErrorCode::kSourceRejected);
  CHECK(snapshot.error().message() ==
        "sqlite:" + database.path() + ": the file was replaced or removed after its tables were listed");
}

TEST_CASE("sqlite_source: a rollback-journal file warns that writers wait, a WAL file does not") {
  TestDatabase database("CREATE TABLE t (a)");
  auto source = open_source(database.path());
  REQUIRE(source->warnings().size() == 1);
  CHECK(source->warnings()[0].find("programs that write to it wait while it is read") != std::string::npos);
  database.execute("PRAGMA journal_mode = WAL");
  CHECK(open_source(database.path())->warnings().empty());
}

TEST_CASE("sqlite_source: a virtual table without its module is named") {
  TestDatabase database(
      "PRAGMA journal_mode = WAL; CREATE TABLE near_rowids (a); PRAGMA writable_schema = ON;"
      "INSERT INTO sqlite_schema VALUES ('table', 'near', 'near', 0, 'CREATE VIRTUAL TABLE near USING "
      "no_such_module(a)')");
  auto source = open_source(database.path());
  REQUIRE(source->warnings().size() == 1);
  CHECK(source->warnings()[0].find("the virtual table near needs a module that this program lacks") !=
        std::string::npos);
  CHECK(describe_error(*source, TableName{"main", "near"}).message() ==
        "sqlite:" + database.path() + ": no such module: no_such_module");
}

TEST_CASE("sqlite_source: a file name with a meaning to SQLite is only a name") {
  TestDatabase database("CREATE TABLE t (a)");
  const fs::path before = fs::current_path();
  fs::current_path(database.directory());
  fs::copy_file(database.path(), "file:x?mode=memory");
  auto source = open_source("file:x?mode=memory");
  CHECK(!open_sqlite_source(sqlite_settings(":memory:")));
  fs::current_path(before);
  CHECK(listed(*source) == "main.t\n");
}

}  // namespace
}  // namespace dmskafka
