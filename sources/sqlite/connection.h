#pragma once
#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "core/base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace dmskafka::sqlite {

/// A name as SQL text: "we""ird".
std::string quote_identifier(std::string_view name);

/// One read-only connection to a database file. Thread: one at a time.
class Connection {
 public:
  /// `path` is absolute (a relative one could be a URI or ":memory:" to SQLite). `name`: what messages call it, the path
  /// if empty.
  /// Errors: kSourceRejected (absent, not a database, encrypted, no permission), kSourceUnavailable (locked).
  static Result<std::unique_ptr<Connection>> open(const std::string& path, const std::string& name = "");
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Statements that run from now on end with kCancelled soon after a stop request, also while they wait for a lock.
  void set_stop(std::stop_token stop) { stop_ = std::move(stop); }

  Result<void> execute(const char* sql);
  /// First column of the first row. REQUIRES: there is one.
  Result<std::int64_t> number(const std::string& sql);
  Result<std::string> text(const std::string& sql);
  /// True when the path no longer names the file that is open here.
  bool replaced() const noexcept;

  /// The failure that SQLite has just reported. Errors: kCancelled, kSourceUnavailable, kSourceRejected, kTableUnreadable
  /// (damaged, dropped, altered, a view that fails).
  Error failure() const;

  sqlite3* handle() const noexcept { return handle_; }
  const std::string& path() const noexcept { return path_; }
  const std::string& name() const noexcept { return name_; }

 private:
  Connection(std::string path, std::string name, sqlite3* handle);
  static int on_busy(void* self, int count) noexcept;
  static int on_progress(void* self) noexcept;

  const std::string path_;
  const std::string name_;
  sqlite3* const handle_;
  std::stop_token stop_;
};

/// A prepared statement of a connection, which outlives it. Thread: the connection's.
class Statement {
 public:
  static Result<Statement> prepare(Connection& connection, const std::string& sql);
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&&) = delete;
  ~Statement();

  /// Binds the next parameter. `text` lives until the statement ends.
  void bind(std::string_view text) noexcept;
  /// True: a row is there; false: no more.
  Result<bool> step();
  std::int64_t number(int column) const noexcept;
  /// Views live until the next step().
  std::string_view text(int column) const noexcept;
  sqlite3_stmt* handle() const noexcept { return handle_; }

 private:
  Statement(Connection& connection, sqlite3_stmt* handle) : connection_(&connection), handle_(handle) {}
  Connection* connection_;
  sqlite3_stmt* handle_;
  int bound_ = 0;
};

}  // namespace dmskafka::sqlite
