#include "sources/mysql/test_database.h"

#include <fmt/format.h>
#include <mysql.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string_view>
#include <thread>

#include "core/settings/endpoint_url.h"
#include "sources/mysql/mysql_source.h"

namespace dmskafka::mysql {
namespace {

std::vector<TestServer> servers_of_environment() {
  std::vector<TestServer> servers;
  const std::pair<const char*, const char*> known[] = {{"DMSKAFKA_TEST_MARIADB", "MariaDB"},
                                                       {"DMSKAFKA_TEST_MYSQL", "MySQL 8"},
                                                       {"DMSKAFKA_TEST_MYSQL57", "MySQL 5.7"}};
  const char* const only = std::getenv("DMSKAFKA_TEST_ONLY");
  for (const auto& [variable, name] : known) {
    const char* const url = std::getenv(variable);
    if (url == nullptr || (only != nullptr && std::string_view(only) != variable)) continue;
    TestServer& server = servers.emplace_back();
    server.name = name;
    if (auto parsed = parse_source_url(url, server.settings); !parsed)
      throw std::runtime_error(fmt::format("{}: {}", variable, parsed.error().to_string()));
  }
  if (servers.empty()) {
    fmt::print("SKIPPED: {} names no server\n",
               only != nullptr
                   ? only
                   : "none of DMSKAFKA_TEST_MARIADB, DMSKAFKA_TEST_MYSQL and DMSKAFKA_TEST_MYSQL57");
  }
  return servers;
}

std::string shown(const Value& value) {
  if (value.form() != ValueForm::kBytes) return std::string(value.view());
  std::string digits = "0x";
  for (const char c : value.view()) digits += fmt::format("{:02X}", static_cast<unsigned char>(c));
  return digits;
}

}  // namespace

const std::vector<TestServer>& test_servers() {
  static const std::vector<TestServer> servers = servers_of_environment();
  return servers;
}

void TestSession::Close::operator()(st_mysql* handle) const noexcept { mysql_close(handle); }

TestSession::TestSession(const SourceSettings& settings) : handle_(mysql_init(nullptr)) {
  mysql_options(handle_.get(), MYSQL_SET_CHARSET_NAME, "utf8mb4");
  if (mysql_real_connect(handle_.get(), settings.host.c_str(), settings.username.c_str(),
                         settings.password.c_str(), settings.database_name.c_str(), settings.port, nullptr,
                         CLIENT_MULTI_STATEMENTS) == nullptr) {
    throw std::runtime_error(mysql_error(handle_.get()));
  }
  exec("SET time_zone = '+00:00', sql_mode = ''");
}

Rows TestSession::exec(const std::string& statements) {
  Rows rows;
  int more = mysql_real_query(handle_.get(), statements.data(), statements.size());
  while (more == 0) {
    rows.clear();
    const ResultHandle result(mysql_store_result(handle_.get()));
    while (const MYSQL_ROW row = result ? mysql_fetch_row(result.get()) : nullptr) {
      const unsigned long* const lengths = mysql_fetch_lengths(result.get());
      auto& cells = rows.emplace_back();
      for (unsigned i = 0; i < mysql_num_fields(result.get()); ++i)
        cells.push_back(row[i] == nullptr ? Cell() : Cell(std::string(row[i], lengths[i])));
    }
    more = mysql_next_result(handle_.get());
  }
  if (more > 0) throw std::runtime_error(statements.substr(0, 200) + ": " + mysql_error(handle_.get()));
  return rows;
}

unsigned TestSession::exec_failing(const std::string& statement) {
  if (mysql_real_query(handle_.get(), statement.data(), statement.size()) == 0)
    throw std::runtime_error(statement + ": was expected to fail");
  return mysql_errno(handle_.get());
}

TestDatabase::TestDatabase(const TestServer& server) : settings_(server.settings) {
  static int number = 0;
  name_ = fmt::format("dmskafka_test_{}_{}", getpid(), ++number);
  TestSession(settings_).exec(fmt::format("CREATE DATABASE {} CHARACTER SET utf8mb4", name_));
  settings_.database_name = name_;
}

TestDatabase::~TestDatabase() {
  try {
    TestSession(settings_).exec("DROP DATABASE " + name_);
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "the test database %s stays: %s\n", name_.c_str(), failure.what());
  }
}

std::unique_ptr<Source> TestDatabase::open_source(std::uint32_t connections_max, bool lock_tables) const {
  auto source = open_mysql_source(settings_, connections_max, lock_tables, {});
  if (!source) throw std::runtime_error(source.error().to_string());
  return std::move(source).value();
}

Opened::Opened(const TestDatabase& database, const std::vector<std::string>& tables,
               std::uint32_t connections_max, bool lock_tables)
    : source(database.open_source(connections_max, lock_tables)) {
  std::vector<TableName> names;
  for (const std::string& table : tables) names.push_back(database.table(table));
  schemas = describe(*source, names);
  auto opened = source->open_snapshot(pointers(schemas), {});
  if (!opened) throw std::runtime_error(opened.error().to_string());
  snapshot = std::move(opened).value();
}

std::unique_ptr<SnapshotReader> Opened::reader() const {
  auto opened = snapshot->open_reader({});
  if (!opened) throw std::runtime_error(opened.error().to_string());
  return std::move(opened).value();
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
      for (const Value& value : change.after) cells.push_back(value.is_null() ? Cell() : Cell(shown(value)));
    }
    if (*status == SegmentReader::Status::kEnd) return all;
  }
}

Error read_failure(SnapshotReader& reader, const TableSchema& table, std::stop_token stop) {
  const auto rows = reader.open(Segment{&table, 0, ""});
  if (!rows) return rows.error();
  ChangeBatch batch;
  while (true) {
    batch.clear();
    const auto status = (*rows)->read(batch, stop);
    if (!status) return status.error();
    if (*status == SegmentReader::Status::kEnd) return Error(ErrorCode::kInternal, "it was read to its end");
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

void wait_until(TestSession& session, const std::string& condition) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (session.exec("SELECT " + condition)[0][0] != "1") {
    if (std::chrono::steady_clock::now() > until) throw std::runtime_error("never came: " + condition);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

}  // namespace dmskafka::mysql
