// The shortest honest way from a SELECT to DMS messages in Kafka: one thread reads rows from libmariadb as they come, writes
// each as an unformatted data record and hands it to librdkafka. It knows no mapping, no state and no second table, and stops
// at the first problem. What it reaches is the practical ceiling that dmskafka is held against.
//
//   bench_fastpath_mysql URI QUERY                              reads and drops: the database's own bound; URI is mariadb://USER:PASSWORD@HOST:PORT/DATABASE
//   bench_fastpath_mysql URI QUERY BROKERS TOPIC [NAME=VALUE...]  sends; the rest are librdkafka properties
//
// The first column is the message key. Prints one JSON object with what was counted.
#include <mysql.h>

#include <string>
#include <string_view>
#include <vector>

#include "scripts/bench/fastpath.h"

namespace {

using namespace fastpath;  // NOLINT(google-build-using-namespace)

Form form_of(const MYSQL_FIELD& field) {
  switch (field.type) {
    case MYSQL_TYPE_TINY:
    case MYSQL_TYPE_LONG:
    case MYSQL_TYPE_LONGLONG: return Form::kNumber;
    case MYSQL_TYPE_NEWDECIMAL: return Form::kDecimal;
    case MYSQL_TYPE_DATETIME: return Form::kTimestamp;
    default: return Form::kText;
  }
}

std::string take(std::string_view& uri, std::string_view end) {
  const std::size_t at = uri.find(end);
  if (at == std::string_view::npos) fail("the URI is no mariadb://USER:PASSWORD@HOST:PORT/DATABASE");
  std::string part(uri.substr(0, at));
  uri.remove_prefix(at + end.size());
  return part;
}

std::string connect(MYSQL* connection, std::string_view uri) {
  take(uri, "://");
  const std::string user = take(uri, ":");
  const std::string password = take(uri, "@");
  const std::string host = take(uri, ":");
  const std::string port = take(uri, "/");
  std::string database(uri);
  mysql_options(connection, MYSQL_SET_CHARSET_NAME, "utf8mb4");
  if (mysql_real_connect(connection, host.c_str(), user.c_str(), password.c_str(), database.c_str(),
                         static_cast<unsigned>(std::atoi(port.c_str())), nullptr, 0) == nullptr) {
    fail(mysql_error(connection));
  }
  return database;
}

// NULL and empty columns are left out, as DMS does unless it is told otherwise.
void write_message(std::string& out, const char* const* row, const unsigned long* lengths,
                   const std::vector<Column>& columns, std::string_view schema, Clock& clock) {
  out = "{\"data\":{";
  bool first = true;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (lengths[i] == 0) continue;
    out.append(columns[i].prefix, first ? 1 : 0);
    first = false;
    append_value(out, columns[i].form, {row[i], lengths[i]});
  }
  append_metadata(out, schema, clock);
}

// Without a producer the rows are read and dropped.
Counts copy(MYSQL* connection, const char* query, std::string_view schema, Producer* producer) {
  if (mysql_query(connection, query) != 0) fail(mysql_error(connection));
  MYSQL_RES* const result = mysql_use_result(connection);
  if (result == nullptr) fail(mysql_error(connection));
  std::vector<Column> columns;
  for (unsigned i = 0; i < mysql_num_fields(result); ++i) {
    const MYSQL_FIELD& field = mysql_fetch_fields(result)[i];
    columns.push_back({std::string(",\"") + field.name + "\":", form_of(field)});
  }
  Counts counts;
  std::string message;
  Clock clock;
  while (const MYSQL_ROW row = mysql_fetch_row(result)) {
    ++counts.rows;
    if (producer == nullptr) continue;
    const unsigned long* const lengths = mysql_fetch_lengths(result);
    write_message(message, row, lengths, columns, schema, clock);
    counts.bytes += static_cast<std::int64_t>(message.size());
    producer->send({row[0], lengths[0]}, message);
  }
  if (mysql_errno(connection) != 0) fail(mysql_error(connection));
  mysql_free_result(result);
  return counts;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3 && argc < 5) fail("usage: bench_fastpath_mysql URI QUERY [BROKERS TOPIC [NAME=VALUE...]]");
  MYSQL* const connection = mysql_init(nullptr);
  const std::string schema = connect(connection, argv[1]);
  Counts counts;
  if (argc == 3) {
    counts = copy(connection, argv[2], schema, nullptr);
  } else {
    Producer producer(argv[3], argv[4], argv + 5, argc - 5);
    counts = copy(connection, argv[2], schema, &producer);
    producer.finish();
  }
  mysql_close(connection);
  print(counts);
}
