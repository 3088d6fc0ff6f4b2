#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/settings/source_settings.h"
#include "sources/mysql/native_error.h"
#include "sources/mysql/session_settings.h"

struct st_mysql;
struct st_mysql_res;

namespace dmskafka::mysql {

struct ResultDeleter {
  void operator()(st_mysql_res* result) const noexcept;
};
using ResultHandle = std::unique_ptr<st_mysql_res, ResultDeleter>;

/// The rows of a finished query. Texts live as long as it does.
class QueryResult {
 public:
  QueryResult() = default;
  explicit QueryResult(ResultHandle handle);
  std::size_t rows() const noexcept { return columns_ == 0 ? 0 : cells_.size() / columns_; }
  bool is_null(std::size_t row, std::size_t column) const noexcept;
  std::string_view text(std::size_t row, std::size_t column) const noexcept;  ///< "" for NULL
  /// By the name that the statement gave it, in any case; nullopt when there is none.
  std::optional<std::size_t> find_column(std::string_view name) const;

 private:
  ResultHandle handle_;
  std::size_t columns_ = 0;
  std::vector<std::string_view> cells_;  // row by row; no data: NULL
};

/// One session. All settings of session_settings.h hold in it from the first statement on. libmariadb carries the bytes, checks
/// passwords and encrypts.
/// Thread: one at a time.
class Connection {
 public:
  /// Errors: kSourceUnavailable, kSourceRejected, kInvalidSettings, kCancelled. Gives up after ConnectionTimeout. Name resolution
  /// is the system's own and cannot be interrupted.
  static Result<Connection> open(std::shared_ptr<const SourceSettings> settings, const std::stop_token& stop);

  /// How a statement went: it failed, or gave rows (or none).
  struct Outcome {
    std::optional<NativeError> failure = {};
    QueryResult rows = {};
  };
  /// One statement. Errors: only those of the connection (kSourceUnavailable, kCancelled), which is of no use then; what the
  /// server says about the statement is in the Outcome. `limit` 0: none.
  Result<Outcome> run(std::string_view statement, std::chrono::seconds limit, const std::stop_token& stop);
  /// The two halves of run(): several sessions can so begin something at once. Errors: as run()'s.
  Result<void> post(std::string_view statement, const std::stop_token& stop);
  Result<Outcome> answer(const std::stop_token& stop);  ///< within ExecuteTimeout
  /// The same as run() above, within ExecuteTimeout.
  Result<Outcome> run(std::string_view statement, const std::stop_token& stop);
  /// The same, where a refusal is an error: query_error().
  Result<QueryResult> query(std::string_view statement, const std::stop_token& stop);

  /// Starts a SELECT whose rows come one by one from next_row(), without being collected anywhere. nullopt: they come;
  /// otherwise what the server said. Errors: only those of the connection.
  Result<std::optional<NativeError>> start_rows(std::string_view statement, const std::stop_token& stop);
  enum class Row : std::uint8_t { kRow, kEnd, kFailed };
  /// The next row, valid until the next call: `values` has a pointer for each column (null: NULL) with its length in `lengths`.
  /// kFailed: failure() has the words; usable() tells whether the session goes on. An Interruption ends the wait.
  Row next_row(char**& values, const unsigned long*& lengths) noexcept;
  /// Forgets the rows that were not read. With `killer`, another session of the same user, the statement is ended first, so that
  /// the transaction (and its snapshot) stays; what does not end in time, or without killer, ends with the session.
  void abandon_rows(Connection* killer) noexcept;
  /// Ends another session of the same user, so that the server need not find out by itself that we left. Bounded in time.
  void end_session(std::uint64_t session) noexcept;

  bool usable() const noexcept;
  bool in_transaction() const noexcept;  ///< as of the last answer
  const ServerVersion& version() const noexcept { return version_; }
  std::uint64_t session_id() const noexcept { return session_id_; }
  const std::string& account() const noexcept { return account_; }  ///< CURRENT_USER(): "app@%"
  std::string place() const;                                        ///< "host:port", for messages
  NativeError failure() const;
  int socket() const noexcept;
  /// For the commands of replication, which have no function of their own.
  st_mysql* native() const noexcept;

 private:
  struct Session;
  struct SessionDeleter {
    void operator()(Session* session) const noexcept;
  };
  explicit Connection(std::shared_ptr<const SourceSettings> settings) : settings_(std::move(settings)) {}
  Result<void> set_options();
  Result<void> set_tls();
  Result<void> connect(const std::stop_token& stop);
  Result<void> prepare_session(const std::stop_token& stop);
  Result<void> run_script(const std::stop_token& stop);
  Result<void> check_version() const;
  Result<void> check_session(const std::stop_token& stop);
  Result<std::optional<NativeError>> send(std::string_view statement, std::chrono::seconds limit,
                                          const std::stop_token& stop);
  Result<Outcome> collect(std::chrono::seconds limit, const std::stop_token& stop);
  Result<std::optional<NativeError>> read_answer(std::chrono::seconds limit, const std::stop_token& stop);
  Error lost(const std::stop_token& stop) const;

  std::shared_ptr<const SourceSettings> settings_;
  std::unique_ptr<Session, SessionDeleter> session_;
  ServerVersion version_;
  std::uint64_t session_id_ = 0;
  std::string account_;
};

/// While it lives, a stop request ends every wait of the connection at once, and the session with it.
class Interruption {
 public:
  Interruption(const Connection& connection, const std::stop_token& stop);

 private:
  struct ShutDown {
    int socket;
    void operator()() const noexcept;
  };
  std::stop_callback<ShutDown> callback_;
};

}  // namespace dmskafka::mysql
