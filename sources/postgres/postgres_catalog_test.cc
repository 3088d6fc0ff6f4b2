// What the source says about a real server's tables. Needs DMSKAFKA_TEST_POSTGRES.
#include <doctest/doctest.h>

#include <algorithm>

#include "core/base/logging.h"
#include "sources/postgres/postgres_source.h"
#include "sources/postgres/test_database.h"

namespace dmskafka::postgres {
namespace {

/// Collects what is said while it lives.
class Listener final : public LogSink {
 public:
  Listener() { set_log_sink(this); }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener() override { set_log_sink(nullptr); }
  void log(LogLevel level, std::string_view message) noexcept override {
    if (level != LogLevel::kDebug) said.emplace_back(message);
  }
  std::vector<std::string> said;
};

std::vector<std::string> table_texts(Source& source) {
  std::vector<std::string> texts;
  const auto tables = source.list_tables();
  REQUIRE(tables.ok());
  for (const CatalogTable& table : *tables) {
    texts.push_back(table.name.text() + (table.kind == TableKind::kView ? " view" : ""));
  }
  return texts;
}

}  // namespace

TEST_CASE("postgres_source: lists tables and views, but no partitions, system or temporary tables") {
  if (!TestDatabase::available()) return;
  const TestDatabase database;
  TestSession session = database.session();
  session.exec(R"(CREATE SCHEMA "My Schema";
    CREATE TABLE plain (id int); CREATE VIEW seen AS SELECT * FROM plain; CREATE MATERIALIZED VIEW kept AS SELECT 1 AS one;
    CREATE TABLE "My Schema"."Größe ""x""" (id int);
    CREATE TABLE parted (id int, at date) PARTITION BY RANGE (at);
    CREATE TABLE parted_2024 PARTITION OF parted FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
    CREATE TABLE parent (id int); CREATE TABLE child (extra text) INHERITS (parent);
    CREATE UNLOGGED TABLE quick (id int); CREATE TEMP TABLE passing (id int); CREATE SEQUENCE counter;)");
  CHECK(table_texts(*database.open_source()) ==
        std::vector<std::string>{"My Schema.Größe \"x\"", "public.child", "public.kept view", "public.parent",
                                 "public.parted", "public.plain", "public.quick", "public.seen view"});
}

TEST_CASE("postgres_source: names the cluster and the database") {
  if (!TestDatabase::available()) return;
  const TestDatabase database;
  const auto identity = database.open_source()->identity();
  REQUIRE(identity.ok());
  CHECK(identity->kind == "postgresql");
  CHECK(identity->server ==
        database.session().exec("SELECT system_identifier FROM pg_control_system()")[0][0]);
  CHECK(identity->database == database.settings().database_name);
}

TEST_CASE(
    "postgres_source: describes columns in table order, key in key order, domains by what they rest on") {
  if (!TestDatabase::available()) return;
  const TestDatabase database;
  TestSession session = database.session();
  session.exec(
      R"(CREATE DOMAIN amount AS numeric(12,2) NOT NULL; CREATE DOMAIN price AS amount CHECK (VALUE >= 0);
    CREATE TYPE mood AS ENUM ('good', 'bad'); CREATE TYPE int4 AS (real_part int);
    CREATE TABLE t (a int, gone int, "B b" varchar(40) NOT NULL, c price, d text[], e mood, f timestamptz(3),
                    g public.int4, PRIMARY KEY ("B b", a));
    ALTER TABLE t DROP COLUMN gone; ALTER TABLE t ADD COLUMN z bit(3))");
  const std::vector<TableSchema> schemas = describe(*database.open_source(), {{"public", "t"}});
  const TableSchema& t = schemas[0];
  std::vector<std::string> texts;
  for (const ColumnSchema& column : t.columns) {
    texts.push_back(column.name + ":" + column.source_type + ":" + std::string(dms_type_name(column.type)) +
                    (column.nullable ? "" : ":required") + (column.lob ? ":lob" : ""));
  }
  CHECK(texts == std::vector<std::string>{"a:integer:INT32:required",
                                          "B b:character varying(40):STRING:required",
                                          "c:public.price:DECIMAL:required", "d:text[]:STRING:lob",
                                          "e:public.mood:STRING", "f:timestamp(3) with time zone:TIMESTAMP",
                                          "g:public.int4:STRING:lob", "z:bit(3):STRING"});
  CHECK(t.columns[2].precision == 12U);
  CHECK(t.columns[2].scale == 2U);
  CHECK(t.columns[5].scale == 3U);
  CHECK(t.primary_key == std::vector<std::uint32_t>{1, 0});
  CHECK(t.kind == TableKind::kTable);
}

TEST_CASE("postgres_source: generated columns are left out, and a key that needs one is none") {
  if (!TestDatabase::available()) return;
  const TestDatabase database;
  TestSession session = database.session();
  if (session.version() < 120000) return;  // there are none
  session.exec(
      R"(CREATE TABLE g (id int PRIMARY KEY, twice int GENERATED ALWAYS AS (id * 2) STORED, note text);
                  CREATE TABLE k (id int, twice int GENERATED ALWAYS AS (id * 2) STORED PRIMARY KEY);
                  INSERT INTO g (id, note) VALUES (1, 'x'))");
  const auto source = database.open_source();
  const Listener listener;
  const std::vector<TableSchema> schemas = describe(*source, {{"public", "g"}, {"public", "k"}});
  REQUIRE(schemas[0].columns.size() == 2);
  CHECK(schemas[0].columns[1].name == "note");
  CHECK(schemas[0].primary_key == std::vector<std::uint32_t>{0});
  CHECK_FALSE(schemas[1].has_primary_key());
  auto snapshot = source->open_snapshot(pointers(schemas), {});
  REQUIRE(snapshot.ok());
  CHECK(read_all(**(*snapshot)->open_reader({}), schemas[0]) == Rows{{"1", "x"}});
  CHECK(listener.said ==
        std::vector<std::string>{
            "public.g: generated columns are left out: twice",
            "public.k: its primary key has a generated column, so it is loaded as a table without key",
            "public.k: generated columns are left out: twice"});
}

TEST_CASE("postgres_source: a key's INCLUDE columns are no part of it") {
  if (!TestDatabase::available()) return;
  const TestDatabase database;
  TestSession session = database.session();
  if (session.version() < 110000) return;
  session.exec("CREATE TABLE t (a int, b int, c int, PRIMARY KEY (b) INCLUDE (c))");
  CHECK(describe(*database.open_source(), {{"public", "t"}})[0].primary_key == std::vector<std::uint32_t>{1});
}

TEST_CASE("postgres_source: a table that is not there or not ours has an error of its own") {
  if (!TestDatabase::available()) return;
  const TestDatabase database;
  TestSession session = database.session();
  const std::string role = "reader_of_" + database.settings().database_name;
  session.exec(
      "CREATE TABLE open (id int); CREATE TABLE secret (id int); CREATE SCHEMA closed; CREATE TABLE closed.t "
      "(id int);"
      "CREATE ROLE " +
      role + " LOGIN; GRANT SELECT ON open TO " + role + "; GRANT SELECT ON closed.t TO " + role);
  SourceSettings settings = database.settings();
  settings.username = role;
  {
    auto source = open_postgres_source(settings, {.connections_max = 4}, {});
    REQUIRE(source.ok());
    const std::vector<TableName> names = {
        {"public", "secret"}, {"public", "missing"}, {"closed", "t"}, {"public", "open"}, {"nowhere", "t"}};
    const auto described = (*source)->describe_tables(names);
    REQUIRE(described.ok());
    REQUIRE(described->size() == 5);
    const auto text = [&](std::size_t i) { return (*described)[i].error().to_string(); };
    CHECK((*described)[0].error().code() == ErrorCode::kTableUnreadable);
    CHECK(text(0) == "public.secret: user \"" + role +
                         "\" has no permission to read the table\n  GRANT SELECT ON "
                         "\"public\".\"secret\" TO \"" +
                         role + "\";");
    CHECK(text(1) == "public.missing: there is no such table");
    CHECK(text(2) == "closed.t: user \"" + role +
                         "\" has no permission to use the schema\n  GRANT USAGE ON SCHEMA "
                         "\"closed\" TO \"" +
                         role + "\";");
    CHECK((*described)[3].ok());
    CHECK(text(4) == "nowhere.t: there is no such table");
  }
  session.exec("DROP OWNED BY " + role + "; DROP ROLE " + role);
}

TEST_CASE("postgres_source: estimates come from the statistics, of a partitioned table from its leaves") {
  if (!TestDatabase::available()) return;
  const TestDatabase database;
  TestSession session = database.session();
  session.exec(
      R"(CREATE TABLE t AS SELECT i AS id FROM generate_series(1, 10000) i; CREATE TABLE fresh (id int);
    CREATE TABLE parted (id int) PARTITION BY LIST (id); CREATE TABLE p1 PARTITION OF parted FOR VALUES IN (1);
    CREATE TABLE p2 PARTITION OF parted FOR VALUES IN (2); INSERT INTO parted SELECT 1 + i % 2 FROM generate_series(1, 3000) i)");
  session.exec("ANALYZE t; ANALYZE p1; ANALYZE p2");
  const auto schemas =
      describe(*database.open_source(), {{"public", "t"}, {"public", "fresh"}, {"public", "parted"}});
  CHECK(schemas[0].rows_estimate == 10000U);
  CHECK(schemas[0].bytes_estimate ==
        static_cast<std::uint64_t>(std::stoll(*session.exec("SELECT pg_relation_size('t')")[0][0])));
  CHECK_FALSE(schemas[1].rows_estimate);
  CHECK(schemas[2].rows_estimate == 3000U);
}

}  // namespace dmskafka::postgres
