#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/processor_turn.h"
#include "core/base/result.h"
#include "core/base/socket_wait.h"
#include "core/settings/source_settings.h"
#include "sources/postgres/native_error.h"

struct pg_conn;
struct pg_result;

namespace dmskafka::postgres {

struct ResultDeleter {
  void operator()(pg_result* result) const noexcept;
};
struct ConnectionDeleter {
  void operator()(pg_conn* connection) const noexcept;
};
using ResultHandle = std::unique_ptr<pg_result, ResultDeleter>;
using ConnectionHandle = std::unique_ptr<pg_conn, ConnectionDeleter>;

/// The rows of a finished query. Texts live as long as it does.
class QueryResult {
 public:
  explicit QueryResult(ResultHandle handle) : handle_(std::move(handle)) {}
  int rows() const noexcept;
  bool is_null(int row, int column) const noexcept;
  std::string_view text(int row, int column) const noexcept;  ///< "" for NULL
  bool boolean(int row, int column) const noexcept { return text(row, column) == "t"; }

 private:
  ResultHandle handle_;
};

/// Reads the parts of a server's refusal that may be shown.
NativeError native_error(const pg_result* result, const pg_conn* connection);

/// One session. All settings of session_settings.h hold in it from the first statement on.
/// Thread: one at a time.
class Connection {
 public:
  /// Errors: kSourceUnavailable, kSourceRejected, kInvalidSettings, kCancelled. Name resolution is the system's own and
  /// cannot be interrupted.
  static Result<Connection> open(std::shared_ptr<const SourceSettings> settings, const std::stop_token& stop);
  /// The same for a session that also knows the commands of the replication protocol, but of SQL only what run() sends.
  static Result<Connection> open_replication(std::shared_ptr<const SourceSettings> settings,
                                             const std::stop_token& stop);

  /// How several statements in one text went: those before the failed one took effect.
  struct Outcome {
    std::size_t completed = 0;
    std::optional<NativeError> failure;
    QueryResult last{nullptr};  ///< of the last statement that returned
  };
  /// Sends a text of one or more statements. Errors: only those of the connection (kSourceUnavailable, kCancelled); what the
  /// server says about a statement is in the Outcome. `limit` 0: none.
  Result<Outcome> run(const std::string& statements, std::chrono::seconds limit, const std::stop_token& stop);
  /// The same for one statement with text parameters $1, $2 …, within ExecuteTimeout. Errors also: query_error().
  Result<QueryResult> query(std::string_view statement, const std::vector<std::string>& parameters,
                            const std::stop_token& stop);

  /// Starts a SELECT whose rows come one by one from next_row().
  Result<void> start_rows(const std::string& statement, const std::stop_token& stop);
  enum class Row : std::uint8_t { kRow, kEnd, kFailed, kNotYet };
  /// The next row into `row`; kFailed: `row` holds the server's refusal, or nothing when the connection broke.
  /// kNotYet: nothing came within `wait`, or stop was asked for. Before it waits it ends
  /// `turn` (null: nobody takes turns), and when there is something it takes it again.
  Row next_row(ResultHandle& row, std::chrono::milliseconds wait, const std::stop_token& stop,
               ProcessorTurn* turn = nullptr);

  /// Sends START_REPLICATION. nullopt: the stream runs, and PQgetCopyData() on native() gives its messages; otherwise what the
  /// server said. Errors: only those of the connection.
  Result<std::optional<NativeError>> start_stream(const std::string& command, const std::stop_token& stop);

  /// Ends a running statement and forgets its rows, in bounded time. The transaction is aborted then; a connection that did
  /// not answer in time is closed (usable() is false).
  void abandon() noexcept;
  /// After kFailed: takes what still belongs to the failed statement.
  void finish_failed() noexcept;

  bool usable() const noexcept;
  bool in_transaction() const noexcept;  ///< and it can go on
  int server_version() const noexcept;   ///< 150004 for 15.4
  std::string parameter(const char* name) const;
  /// The role that we logged in as.
  std::string user() const;
  /// "host:port, database "bench"", for messages.
  std::string place() const;
  /// What libpq says about the connection itself.
  NativeError connection_failure() const;
  pg_conn* native() const noexcept { return handle_.get(); }

 private:
  explicit Connection(std::shared_ptr<const SourceSettings> settings) : settings_(std::move(settings)) {}
  enum class Session : bool { kOrdinary, kReplication };
  static Result<Connection> open(std::shared_ptr<const SourceSettings> settings, Session session,
                                 const std::stop_token& stop);
  Result<void> connect(Session session, const std::stop_token& stop);
  Result<void> prepare_session(const std::stop_token& stop);
  Result<void> check_session() const;
  Result<Outcome> collect(std::chrono::seconds limit, const std::stop_token& stop);
  enum class Wait : std::uint8_t { kReady, kTimeout, kBroken };
  enum class Awaited : bool { kAnswer, kRows };
  Wait wait_result(Awaited awaited, std::chrono::steady_clock::time_point until, const std::stop_token& stop,
                   ProcessorTurn* turn = nullptr);
  void wait_input(Awaited awaited, short events, std::chrono::milliseconds wait);
  void cancel() noexcept;
  bool drain(std::chrono::milliseconds limit, std::string* last_state) noexcept;

  std::shared_ptr<const SourceSettings> settings_;
  ConnectionHandle handle_;
  InputWait input_{-1};
  int waits_before_gathering_ = 0;  // of the rows that come
};

}  // namespace dmskafka::postgres
