#include "sources/postgres/test_database.h"

#include <fmt/format.h>
#include <libpq-fe.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <thread>

#include "sources/postgres/postgres_source.h"

namespace dmskafka::postgres {
namespace {

const char* server_uri() { return std::getenv("DMSKAFKA_TEST_POSTGRES"); }

using Options = std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)>;
Options parse_uri(const std::string& uri) {
  Options options(PQconninfoParse(uri.c_str(), nullptr), &PQconninfoFree);
  if (!options) throw std::runtime_error("DMSKAFKA_TEST_POSTGRES is no connection URI");
  return options;
}

std::string keyword_value(const PQconninfoOption& option, const std::string& value) {
  std::string quoted;
  for (const char c : value) {
    if (c == '\'' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return fmt::format("{}='{}' ", option.keyword, quoted);
}

std::string with_database(const std::string& uri, const std::string& database) {
  const Options options = parse_uri(uri);
  std::string text;
  for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option) {
    const bool is_database = std::string(option->keyword) == "dbname";
    if (is_database || option->val != nullptr)
      text += keyword_value(*option, is_database ? database : option->val);
  }
  return text;
}

Rows rows_of(const PGresult* result) {
  Rows rows;
  for (int row = 0; row < PQntuples(result); ++row) {
    auto& cells = rows.emplace_back();
    for (int column = 0; column < PQnfields(result); ++column) {
      cells.push_back(PQgetisnull(result, row, column) != 0 ? Cell() : Cell(PQgetvalue(result, row, column)));
    }
  }
  return rows;
}

}  // namespace

TestSession::TestSession(const std::string& uri) : handle_(PQconnectdb(uri.c_str())) {
  if (PQstatus(handle_.get()) != CONNECTION_OK) throw std::runtime_error(PQerrorMessage(handle_.get()));
  PQsetNoticeProcessor(
      handle_.get(), [](void*, const char*) {}, nullptr);
  exec(
      "SET timezone = 'UTC'; SET datestyle = 'ISO'; SET extra_float_digits = 3; SET client_encoding = "
      "'UTF8'");
}

Rows TestSession::exec(const std::string& statements) {
  const ResultHandle result(PQexec(handle_.get(), statements.c_str()));
  const ExecStatusType status = PQresultStatus(result.get());
  if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
    throw std::runtime_error(statements + ": " + PQerrorMessage(handle_.get()));
  }
  return rows_of(result.get());
}

std::string TestSession::exec_failing(const std::string& statement) {
  const ResultHandle result(PQexec(handle_.get(), statement.c_str()));
  const char* state = PQresultErrorField(result.get(), PG_DIAG_SQLSTATE);
  if (state == nullptr) throw std::runtime_error(statement + ": was expected to fail");
  return state;
}

int TestSession::version() const { return PQserverVersion(handle_.get()); }

bool TestDatabase::available() {
  if (server_uri() != nullptr) return true;
  std::puts("SKIPPED: DMSKAFKA_TEST_POSTGRES names no server");
  return false;
}

TestDatabase::TestDatabase(const std::string& options) {
  static int number = 0;
  name_ = fmt::format("dmskafka_test_{}_{}", getpid(), ++number);
  uri_ = with_database(server_uri(), name_);
  TestSession(server_uri()).exec(fmt::format("CREATE DATABASE {} {}", name_, options));
}

TestDatabase::~TestDatabase() {
  try {
    TestSession server(server_uri());
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (true) {
      server.exec(
          fmt::format("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}'", name_));
      try {
        server.exec("DROP DATABASE " + name_);
        return;
      } catch (const std::runtime_error&) {  // a session or a slot of it takes a moment to end
        if (std::chrono::steady_clock::now() > until) throw;
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
      }
    }
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "the test database %s stays: %s\n", name_.c_str(), failure.what());
  }
}

SourceSettings TestDatabase::settings() const {
  SourceSettings settings;
  const Options options = parse_uri(uri_);
  for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option) {
    if (option->val == nullptr) continue;
    const std::string keyword = option->keyword;
    if (keyword == "host") settings.host = option->val;
    if (keyword == "port") settings.port = static_cast<std::uint16_t>(std::atoi(option->val));
    if (keyword == "user") settings.username = option->val;
    if (keyword == "password") settings.password = option->val;
    if (keyword == "dbname") settings.database_name = option->val;
  }
  return settings;
}

std::unique_ptr<Source> TestDatabase::open_source(std::uint32_t connections_max, bool lock_tables) const {
  auto source =
      open_postgres_source(settings(), {.connections_max = connections_max, .lock_tables = lock_tables}, {});
  if (!source) throw std::runtime_error(source.error().to_string());
  return std::move(source).value();
}

Rows read_all(SnapshotReader& reader, const TableSchema& table) {
  return read_segment(reader, Segment{&table, 0, ""});
}

Rows read_segment(SnapshotReader& reader, const Segment& segment) {
  const auto rows = reader.open(segment);
  if (!rows) throw std::runtime_error(rows.error().to_string());
  ChangeBatch batch;
  Rows all;
  while (true) {
    batch.clear();
    const auto status = (*rows)->read(batch, {});
    if (!status) throw std::runtime_error(status.error().to_string());
    for (const Change& change : batch.changes()) {
      auto& cells = all.emplace_back();
      for (const Value& value : change.after) cells.push_back(value.is_null() ? Cell() : Cell(value.view()));
    }
    if (*status == SegmentReader::Status::kEnd) return all;
  }
}

std::vector<TableSchema> describe(Source& source, const std::vector<TableName>& names) {
  auto results = source.describe_tables(names);
  if (!results) throw std::runtime_error(results.error().to_string());
  std::vector<TableSchema> schemas;
  for (auto& result : *results) {
    if (!result) throw std::runtime_error(result.error().to_string());
    schemas.push_back(std::move(result).value());
  }
  return schemas;
}

std::vector<const TableSchema*> pointers(const std::vector<TableSchema>& schemas) {
  std::vector<const TableSchema*> all;
  for (const TableSchema& schema : schemas) all.push_back(&schema);
  return all;
}

}  // namespace dmskafka::postgres
