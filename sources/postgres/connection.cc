#include "sources/postgres/connection.h"

#include <fmt/format.h>
#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <array>

#include "core/base/logging.h"
#include "core/base/socket_wait.h"
#include "sources/postgres/connect_parameters.h"
#include "sources/postgres/session_settings.h"

namespace dmskafka::postgres {
namespace {

using Clock = std::chrono::steady_clock;

/// A stop request is seen within this.
constexpr std::chrono::milliseconds kTick{250};
/// How long a server may take to end a statement that we gave up.
constexpr std::chrono::seconds kAbandonLimit{2};
constexpr int kOldestVersion = 100000;
/// Rows are gathered once so many waits have shown that there are many, and a wait for more lasts so long at most: the end of a
/// statement is no reason to hold anything up.
constexpr int kWaitsBeforeGathering = 8;
constexpr std::chrono::milliseconds kGatherLimit{1};

Error cancelled() { return Error(ErrorCode::kCancelled, "stopped while waiting for PostgreSQL"); }

std::string trimmed(const char* text) {
  std::string line = text != nullptr ? text : "";
  std::replace(line.begin(), line.end(), '\n', ' ');
  while (!line.empty() && line.back() == ' ') line.pop_back();
  return line;
}

/// C callback: what the server remarks goes to the log instead of standard error.
void log_notice(void*, const PGresult* notice) noexcept {
  const char* message = PQresultErrorField(notice, PG_DIAG_MESSAGE_PRIMARY);
  if (message != nullptr) log_debug(message);
}

std::chrono::milliseconds until_next_tick(Clock::time_point until) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now());
  return std::clamp(left, std::chrono::milliseconds(0), kTick);
}

Clock::time_point deadline(std::chrono::seconds limit) {
  return Clock::now() + (limit.count() == 0 ? std::chrono::hours(24 * 365) : std::chrono::hours(0)) + limit;
}

}  // namespace

void ResultDeleter::operator()(pg_result* result) const noexcept { PQclear(result); }
void ConnectionDeleter::operator()(pg_conn* connection) const noexcept { PQfinish(connection); }

int QueryResult::rows() const noexcept { return PQntuples(handle_.get()); }
bool QueryResult::is_null(int row, int column) const noexcept {
  return PQgetisnull(handle_.get(), row, column) != 0;
}
std::string_view QueryResult::text(int row, int column) const noexcept {
  return {PQgetvalue(handle_.get(), row, column),
          static_cast<std::size_t>(PQgetlength(handle_.get(), row, column))};
}

NativeError native_error(const pg_result* result, const pg_conn* connection) {
  NativeError native;
  const auto field = [&](int code) {
    return trimmed(result != nullptr ? PQresultErrorField(result, code) : nullptr);
  };
  native.sqlstate = field(PG_DIAG_SQLSTATE);
  native.message = field(PG_DIAG_MESSAGE_PRIMARY);
  if (const std::string detail = field(PG_DIAG_MESSAGE_DETAIL); !detail.empty())
    native.message += " (" + detail + ")";
  native.hint = field(PG_DIAG_MESSAGE_HINT);
  if (native.message.empty()) native.message = trimmed(PQerrorMessage(connection));
  if (native.message.empty()) native.message = "the connection broke";
  return native;
}

Result<Connection> Connection::open(std::shared_ptr<const SourceSettings> settings,
                                    const std::stop_token& stop) {
  return open(std::move(settings), Session::kOrdinary, stop);
}

Result<Connection> Connection::open_replication(std::shared_ptr<const SourceSettings> settings,
                                                const std::stop_token& stop) {
  return open(std::move(settings), Session::kReplication, stop);
}

Result<Connection> Connection::open(std::shared_ptr<const SourceSettings> settings, Session session,
                                    const std::stop_token& stop) {
  Connection connection(std::move(settings));
  DMSKAFKA_TRY(connection.connect(session, stop));
  DMSKAFKA_TRY(connection.prepare_session(stop));
  DMSKAFKA_TRY(connection.check_session());
  return connection;
}

Result<void> Connection::connect(Session session, const std::stop_token& stop) {
  if (stop.stop_requested()) return cancelled();
  DMSKAFKA_ASSIGN(const ConnectParameters parameters, connect_parameters(*settings_));
  std::vector<const char*> keywords;
  std::vector<const char*> values;
  for (const auto& [keyword, value] : parameters.pairs) {
    keywords.push_back(keyword.c_str());
    values.push_back(value.c_str());
  }
  if (session == Session::kReplication) {
    keywords.push_back("replication");
    values.push_back("database");
  }
  keywords.push_back(nullptr);
  values.push_back(nullptr);
  handle_.reset(PQconnectStartParams(keywords.data(), values.data(), 0));
  if (!handle_) return Error(ErrorCode::kSourceUnavailable, "out of memory while connecting to PostgreSQL");
  PGconn* connection = handle_.get();
  PQsetNoticeReceiver(connection, log_notice, nullptr);
  PQsetErrorVerbosity(connection, PQERRORS_VERBOSE);  // see parse_connect_failure()

  const Clock::time_point until = deadline(parameters.timeout);
  PostgresPollingStatusType wanted =
      PQstatus(connection) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING;
  while (wanted == PGRES_POLLING_READING || wanted == PGRES_POLLING_WRITING) {
    const short events = wanted == PGRES_POLLING_READING ? POLLIN : POLLOUT;
    while (!wait_socket(PQsocket(connection), events, until_next_tick(until))) {
      if (stop.stop_requested()) return cancelled();
      if (Clock::now() >= until) {
        return connect_error({"", fmt::format("no answer within {} s", parameters.timeout.count()), ""},
                             user(), place());
      }
    }
    wanted = PQconnectPoll(connection);
  }
  if (wanted != PGRES_POLLING_OK) {
    return connect_error(parse_connect_failure(PQerrorMessage(connection)), user(), place());
  }
  PQsetErrorVerbosity(connection, PQERRORS_DEFAULT);
  PQsetnonblocking(connection, 1);
  input_ = InputWait(PQsocket(connection));
  return {};
}

Result<void> Connection::prepare_session(const std::stop_token& stop) {
  if (server_version() < kOldestVersion) {
    return Error(ErrorCode::kSourceRejected,
                 fmt::format("PostgreSQL {} at {} is too old: 10 is the oldest supported version",
                             parameter("server_version"), place()));
  }
  SettingsScope scope = SettingsScope::kVersionDependent;
  if (!settings_->after_connect_script.empty()) {
    // The script comes first: it may do anything but change the text of the values we read.
    DMSKAFKA_ASSIGN(const Outcome script, run(settings_->after_connect_script,
                                              std::chrono::seconds(settings_->execute_timeout_s), stop));
    if (script.failure) return query_error(*script.failure).while_doing("running AfterConnectScript");
    if (PQtransactionStatus(native()) != PQTRANS_IDLE) {
      return Error(ErrorCode::kSourceRejected, "AfterConnectScript leaves a transaction open");
    }
    scope = SettingsScope::kAll;
  }
  if (const std::string statement = settings_statement(server_version(), parameter("server_encoding"), scope);
      !statement.empty()) {
    DMSKAFKA_ASSIGN(const Outcome outcome,
                    run(statement, std::chrono::seconds(settings_->execute_timeout_s), stop));
    if (outcome.failure) return query_error(*outcome.failure).while_doing("setting up the session");
  }
  return {};
}

/// A pooler between us and the server may swallow settings, and then values would silently look different.
Result<void> Connection::check_session() const {
  const std::array<std::pair<const char*, std::string>, 4> expected = {{
      {"client_encoding", client_encoding(parameter("server_encoding"))},
      {"DateStyle", "ISO"},
      {"IntervalStyle", "postgres"},
      {"TimeZone", "UTC"},
  }};
  for (const auto& [name, prefix] : expected) {
    const std::string value = parameter(name);
    if (!value.starts_with(prefix)) {
      return Error(ErrorCode::kSourceRejected,
                   fmt::format("the session at {} has {} \"{}\" although \"{}\" was asked for", place(), name,
                               value, prefix))
          .hint(
              "connect to the server itself, or to a pooler in session mode that passes startup options on");
    }
  }
  return {};
}

Result<Connection::Outcome> Connection::run(const std::string& statements, std::chrono::seconds limit,
                                            const std::stop_token& stop) {
  if (PQsendQuery(native(), statements.c_str()) == 0) return query_error(connection_failure());
  return collect(limit, stop);
}

Result<QueryResult> Connection::query(std::string_view statement, const std::vector<std::string>& parameters,
                                      const std::stop_token& stop) {
  std::vector<const char*> values;
  values.reserve(parameters.size());
  for (const std::string& parameter : parameters) values.push_back(parameter.c_str());
  if (PQsendQueryParams(native(), std::string(statement).c_str(), static_cast<int>(values.size()), nullptr,
                        values.data(), nullptr, nullptr, 0) == 0) {
    return query_error(connection_failure());
  }
  DMSKAFKA_ASSIGN(Outcome outcome, collect(std::chrono::seconds(settings_->execute_timeout_s), stop));
  if (outcome.failure) return query_error(*outcome.failure);
  return std::move(outcome.last);
}

Result<Connection::Outcome> Connection::collect(std::chrono::seconds limit, const std::stop_token& stop) {
  const Clock::time_point until = deadline(limit);
  Outcome outcome;
  while (true) {
    switch (wait_result(Awaited::kAnswer, until, stop)) {
      case Wait::kReady: break;
      case Wait::kBroken: return query_error(connection_failure());
      case Wait::kTimeout:
        abandon();
        if (stop.stop_requested()) return cancelled();
        return Error(ErrorCode::kSourceUnavailable,
                     fmt::format("PostgreSQL at {} did not answer within ExecuteTimeout ({} s)", place(),
                                 limit.count()));
    }
    ResultHandle result(PQgetResult(native()));
    if (!result) return outcome;
    switch (PQresultStatus(result.get())) {
      case PGRES_COMMAND_OK:
      case PGRES_TUPLES_OK:
      case PGRES_EMPTY_QUERY:
        ++outcome.completed;
        outcome.last = QueryResult(std::move(result));
        break;
      case PGRES_COPY_IN:
      case PGRES_COPY_OUT:
      case PGRES_COPY_BOTH:
        handle_.reset();
        return Error(ErrorCode::kSourceRejected, "AfterConnectScript must not COPY");
      default: outcome.failure = native_error(result.get(), native()); break;
    }
    if (!usable()) {
      return query_error(outcome.failure.value_or(connection_failure()));
    }
  }
}

Result<void> Connection::start_rows(const std::string& statement, const std::stop_token& stop) {
  if (stop.stop_requested()) return cancelled();
  if (PQsendQuery(native(), statement.c_str()) == 0 || PQsetSingleRowMode(native()) == 0) {
    return query_error(connection_failure());
  }
  waits_before_gathering_ = kWaitsBeforeGathering;
  return {};
}

Result<std::optional<NativeError>> Connection::start_stream(const std::string& command,
                                                            const std::stop_token& stop) {
  if (PQsendQuery(native(), command.c_str()) == 0) return query_error(connection_failure());
  switch (wait_result(Awaited::kAnswer, deadline(std::chrono::seconds(settings_->execute_timeout_s)), stop)) {
    case Wait::kReady: break;
    case Wait::kBroken: return query_error(connection_failure());
    case Wait::kTimeout:
      handle_.reset();
      if (stop.stop_requested()) return cancelled();
      return Error(ErrorCode::kSourceUnavailable,
                   fmt::format("PostgreSQL did not start the replication stream within ExecuteTimeout ({} s)",
                               settings_->execute_timeout_s));
  }
  const ResultHandle result(PQgetResult(native()));
  if (result && PQresultStatus(result.get()) == PGRES_COPY_BOTH) return std::optional<NativeError>();
  const NativeError refusal = native_error(result.get(), native());
  finish_failed();
  return std::optional<NativeError>(refusal);
}

Connection::Row Connection::next_row(ResultHandle& row, std::chrono::milliseconds wait,
                                     const std::stop_token& stop, ProcessorTurn* turn) {
  if (PQisBusy(native()) != 0) {  // the fast path looks at no clock
    switch (wait_result(Awaited::kRows, Clock::now() + wait, stop, turn)) {
      case Wait::kReady:
        if (turn != nullptr) turn->take(stop);
        break;
      case Wait::kTimeout: return Row::kNotYet;
      case Wait::kBroken: return row.reset(), Row::kFailed;
    }
  }
  row.reset(PQgetResult(native()));
  if (!row) return Row::kEnd;
  switch (PQresultStatus(row.get())) {
    case PGRES_SINGLE_TUPLE: return Row::kRow;
    case PGRES_TUPLES_OK:
      return next_row(row, wait, stop, turn);  // no more rows; a null result ends the statement
    default: return Row::kFailed;
  }
}

Connection::Wait Connection::wait_result(Awaited awaited, Clock::time_point until,
                                         const std::stop_token& stop, ProcessorTurn* turn) {
  PGconn* connection = native();
  while (true) {
    const int unsent = PQflush(connection);
    if (unsent < 0) return Wait::kBroken;
    // While the server is ahead of us the next bytes are there already, and asking poll() first would only cost.
    if (PQconsumeInput(connection) == 0) return Wait::kBroken;
    if (PQisBusy(connection) == 0) return Wait::kReady;
    // TLS hands over at most one of its records at a time; what it still holds does not wake poll().
    if (PQsslInUse(connection) != 0) {
      if (PQconsumeInput(connection) == 0) return Wait::kBroken;
      if (PQisBusy(connection) == 0) return Wait::kReady;
    }
    if (stop.stop_requested() || Clock::now() >= until) return Wait::kTimeout;
    const auto events = static_cast<short>(unsent == 1 ? POLLIN | POLLOUT : POLLIN);
    if (turn != nullptr) turn->end();
    wait_input(awaited, events, until_next_tick(until));
  }
}

void Connection::wait_input(Awaited awaited, short events, std::chrono::milliseconds wait) {
  if (awaited == Awaited::kRows && waits_before_gathering_ == 0) {
    // Nothing more comes soon: the rows are at their end, or the server is slow.
    if (!input_.wait(InputWait::Wake::kGather, events, kGatherLimit))
      waits_before_gathering_ = kWaitsBeforeGathering;
    return;
  }
  input_.wait(InputWait::Wake::kFirstByte, events, wait);
  if (awaited == Awaited::kRows) --waits_before_gathering_;
}

void Connection::cancel() noexcept {
  // PQcancel() opens a connection of its own and blocks on it without a bound, so first see that somebody answers.
  if (!peer_answers(PQsocket(native()), std::chrono::milliseconds(500))) return;
  const std::unique_ptr<PGcancel, decltype(&PQfreeCancel)> request(PQgetCancel(native()), &PQfreeCancel);
  std::array<char, 256> problem{};
  if (request && PQcancel(request.get(), problem.data(), static_cast<int>(problem.size())) == 0)
    log_debug(problem.data());
}

bool Connection::drain(std::chrono::milliseconds limit, std::string* last_state) noexcept {
  const Clock::time_point until = Clock::now() + limit;
  while (Clock::now() < until && wait_result(Awaited::kAnswer, until, {}) == Wait::kReady) {
    const ResultHandle rest{PQgetResult(native())};
    if (!rest) return true;
    const char* state = PQresultErrorField(rest.get(), PG_DIAG_SQLSTATE);
    if (state != nullptr && last_state != nullptr) *last_state = state;
  }
  return false;
}

void Connection::finish_failed() noexcept {
  if (usable() && !drain(kAbandonLimit, nullptr)) handle_.reset();
}

void Connection::abandon() noexcept {
  if (!usable() || PQtransactionStatus(native()) != PQTRANS_ACTIVE) return;
  cancel();
  // Only a statement that ended as query_canceled has used the request up; otherwise it may still arrive and hit the next
  // statement. Such a connection is closed, and the server notices when it next sends.
  std::string state;
  if (!drain(kAbandonLimit, &state) || state != "57014") handle_.reset();
}

bool Connection::usable() const noexcept { return handle_ != nullptr && PQstatus(native()) == CONNECTION_OK; }
bool Connection::in_transaction() const noexcept {
  return usable() && PQtransactionStatus(native()) == PQTRANS_INTRANS;
}
int Connection::server_version() const noexcept { return PQserverVersion(native()); }

std::string Connection::parameter(const char* name) const {
  const char* value = PQparameterStatus(native(), name);
  return value != nullptr ? value : "";
}

std::string Connection::user() const {
  const char* user = PQuser(native());
  return user != nullptr ? user : settings_->username;
}

std::string Connection::place() const {
  const char* host = PQhost(native());
  const char* port = PQport(native());
  const char* database = PQdb(native());
  return fmt::format("{}:{}, database \"{}\"", host != nullptr ? host : settings_->host,
                     port != nullptr ? port : "?", database != nullptr ? database : settings_->database_name);
}

NativeError Connection::connection_failure() const { return native_error(nullptr, native()); }

}  // namespace dmskafka::postgres
