// The shortest honest way from a SELECT to DMS messages in Kafka: one thread reads rows from libpq in single-row mode, writes
// each as an unformatted data record and hands it to librdkafka. It knows no mapping, no state and no second table, and stops
// at the first problem. What it reaches is the practical ceiling that dmskafka is held against.
//
//   bench_fastpath URI QUERY                              reads and drops: the database's own bound
//   bench_fastpath URI QUERY BROKERS TOPIC [NAME=VALUE...]  sends; the rest are librdkafka properties
//
// The first column is the message key. Prints one JSON object with what was counted.
#include "scripts/bench/fastpath.h"

#include <libpq-fe.h>

#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace fastpath;  // NOLINT(google-build-using-namespace)

// The type oids of PostgreSQL's pg_type.dat; they are part of its protocol and never change.
Form form_of(Oid type) {
  switch (type) {
    case 16: return Form::kBoolean;
    case 20:
    case 21:
    case 23: return Form::kNumber;
    case 1114: return Form::kTimestamp;
    case 1700: return Form::kDecimal;
    default: return Form::kText;
  }
}

std::vector<Column> columns_of(const PGresult* result) {
  std::vector<Column> columns;
  for (int i = 0; i < PQnfields(result); ++i) {
    columns.push_back({std::string(",\"") + PQfname(result, i) + "\":", form_of(PQftype(result, i))});
  }
  return columns;
}

// NULL and empty columns are left out, as DMS does unless it is told otherwise.
void write_message(std::string& out, const PGresult* row, const std::vector<Column>& columns, Clock& clock) {
  out = "{\"data\":{";
  bool first = true;
  for (int i = 0; i < static_cast<int>(columns.size()); ++i) {
    const std::string_view text(PQgetvalue(row, 0, i), static_cast<std::size_t>(PQgetlength(row, 0, i)));
    if (text.empty()) continue;
    const Column& column = columns[static_cast<std::size_t>(i)];
    out.append(column.prefix, first ? 1 : 0);
    first = false;
    append_value(out, column.form, text);
  }
  append_metadata(out, "public", clock);
}

// Without a producer the rows are read and dropped.
Counts copy(PGconn* connection, const char* query, Producer* producer) {
  if (PQsendQuery(connection, query) == 0 || PQsetSingleRowMode(connection) == 0)
    fail(PQerrorMessage(connection));
  Counts counts;
  std::vector<Column> columns;
  std::string message;
  Clock clock;
  while (PGresult* result = PQgetResult(connection)) {
    if (PQresultStatus(result) == PGRES_SINGLE_TUPLE) {
      if (columns.empty()) columns = columns_of(result);
      ++counts.rows;
      if (producer != nullptr) {
        write_message(message, result, columns, clock);
        counts.bytes += static_cast<std::int64_t>(message.size());
        producer->send({PQgetvalue(result, 0, 0), static_cast<std::size_t>(PQgetlength(result, 0, 0))},
                       message);
      }
    } else if (PQresultStatus(result) != PGRES_TUPLES_OK) {
      fail(PQerrorMessage(connection));
    }
    PQclear(result);
  }
  return counts;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3 && argc < 5) fail("usage: bench_fastpath URI QUERY [BROKERS TOPIC [NAME=VALUE...]]");
  PGconn* connection = PQconnectdb(argv[1]);
  if (PQstatus(connection) != CONNECTION_OK) fail(PQerrorMessage(connection));
  Counts counts;
  if (argc == 3) {
    counts = copy(connection, argv[2], nullptr);
  } else {
    Producer producer(argv[3], argv[4], argv + 5, argc - 5);
    counts = copy(connection, argv[2], &producer);
    producer.finish();
  }
  PQfinish(connection);
  print(counts);
}
