#include "sources/sqlite/connection.h"

#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

// PRAGMA table_list tells shadow tables apart.
static_assert(SQLITE_VERSION_NUMBER >= 3037000, "SQLite 3.37 or later is needed");

namespace dmskafka::sqlite {
namespace {

constexpr int kBusyWaitMs = 5'000;
constexpr int kBusyStepMs = 20;
/// Often enough to see a stop request at once, rarely enough to cost nothing.
constexpr int kProgressInstructions = 10'000;

Error rejected(const std::string& path, std::string_view what, std::string hint) {
  Error error(ErrorCode::kSourceRejected, fmt::format("sqlite:{}: {}", path, what));
  return hint.empty() ? error : std::move(error).hint(std::move(hint));
}

Result<void> check_file(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return rejected(path, std::strerror(errno), "");
  if (S_ISDIR(status.st_mode)) return rejected(path, "this is a directory, not a database file", "");
  if (access(path.c_str(), R_OK) != 0) return rejected(path, std::strerror(errno), "");
  return {};
}

}  // namespace

std::string quote_identifier(std::string_view name) {
  std::string quoted = "\"";
  for (const char c : name) {
    quoted += c;
    if (c == '"') quoted += '"';
  }
  return quoted += '"';
}

Connection::Connection(std::string path, std::string name, sqlite3* handle)
    : path_(std::move(path)), name_(std::move(name)), handle_(handle) {
  sqlite3_busy_handler(handle_, &Connection::on_busy, this);
  sqlite3_progress_handler(handle_, kProgressInstructions, &Connection::on_progress, this);
  // Damage is noticed where it stands, not when it has led astray.
  sqlite3_exec(handle_, "PRAGMA cell_size_check = ON", nullptr, nullptr, nullptr);
}

Connection::~Connection() { sqlite3_close_v2(handle_); }

Result<std::unique_ptr<Connection>> Connection::open(const std::string& path, const std::string& name) {
  DMSKAFKA_TRY(check_file(path));
  sqlite3* handle = nullptr;
  const int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  const int code = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
  if (handle == nullptr) return rejected(path, "out of memory", "");
  std::unique_ptr<Connection> connection(new Connection(path, name.empty() ? path : name, handle));
  if (code != SQLITE_OK) return connection->failure();
  // Opening reads nothing yet; this reads the header and the schema.
  DMSKAFKA_TRY(connection->number("SELECT count(*) FROM sqlite_schema"));
  return connection;
}

int Connection::on_busy(void* self, int count) noexcept {
  if (static_cast<Connection*>(self)->stop_.stop_requested() || count >= kBusyWaitMs / kBusyStepMs) return 0;
  sqlite3_sleep(kBusyStepMs);
  return 1;
}

int Connection::on_progress(void* self) noexcept {
  return static_cast<Connection*>(self)->stop_.stop_requested() ? 1 : 0;
}

Result<void> Connection::execute(const char* sql) {
  if (sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr) == SQLITE_OK) return {};
  return failure();
}

Result<std::int64_t> Connection::number(const std::string& sql) {
  DMSKAFKA_ASSIGN(Statement statement, Statement::prepare(*this, sql));
  DMSKAFKA_TRY(statement.step());
  return statement.number(0);
}

Result<std::string> Connection::text(const std::string& sql) {
  DMSKAFKA_ASSIGN(Statement statement, Statement::prepare(*this, sql));
  DMSKAFKA_TRY(statement.step());
  return std::string(statement.text(0));
}

bool Connection::replaced() const noexcept {
  int moved = 0;
  return sqlite3_file_control(handle_, "main", SQLITE_FCNTL_HAS_MOVED, &moved) == SQLITE_OK && moved != 0;
}

Error Connection::failure() const {
  const int code = sqlite3_extended_errcode(handle_);
  const std::string text = sqlite3_errmsg(handle_);
  const auto error = [&](ErrorCode error_code, std::string_view what) {
    return Error(error_code, fmt::format("sqlite:{}: {}", name_, what));
  };
  switch (code) {
    case SQLITE_READONLY_ROLLBACK:
      return rejected(name_,
                      "its last writer died and left a rollback journal, which a reader may not roll back",
                      "open the database once with its application or the sqlite3 shell");
    case SQLITE_READONLY_RECOVERY:
    case SQLITE_READONLY_CANTINIT:
    case SQLITE_READONLY_DIRECTORY:
      return rejected(
          name_, "it is in WAL mode, and its -shm file cannot be used by this user",
          "give this user write access to the database's directory and -shm file, or load a copy");
    default: break;
  }
  switch (code & 0xFF) {
    case SQLITE_INTERRUPT: return Error(ErrorCode::kCancelled, "stopped");
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      if (stop_.stop_requested()) return Error(ErrorCode::kCancelled, "stopped");
      return error(ErrorCode::kSourceUnavailable,
                   fmt::format("locked by another program for more than {} s", kBusyWaitMs / 1000))
          .hint("a program holds it exclusively: end its transaction, or its locking_mode=EXCLUSIVE");
    case SQLITE_NOTADB: return rejected(name_, "this is not an SQLite database, or it is encrypted", "");
    case SQLITE_CANTOPEN:
      return rejected(name_, text,
                      "a database in WAL mode needs its -shm file, or a directory where it can be made");
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_READONLY: return rejected(name_, text, "");
    case SQLITE_IOERR: {
      const int system_error = sqlite3_system_errno(handle_);
      return error(ErrorCode::kSourceUnavailable,
                   system_error == 0 ? text : fmt::format("{}: {}", text, std::strerror(system_error)));
    }
    case SQLITE_CORRUPT:
      return error(ErrorCode::kTableUnreadable, fmt::format("damaged: {}", text))
          .hint("PRAGMA integrity_check in the sqlite3 shell says where; .recover saves what can be read");
    // SQLITE_ERROR, SQLITE_SCHEMA, SQLITE_TOOBIG, SQLITE_NOMEM …: what was asked of this table cannot be done.
    default: return error(ErrorCode::kTableUnreadable, text);
  }
}

Result<Statement> Statement::prepare(Connection& connection, const std::string& sql) {
  sqlite3_stmt* handle = nullptr;
  const int code = sqlite3_prepare_v2(connection.handle(), sql.c_str(), static_cast<int>(sql.size()) + 1,
                                      &handle, nullptr);
  if (code != SQLITE_OK) return connection.failure();
  return Statement(connection, handle);
}

Statement::Statement(Statement&& other) noexcept
    : connection_(other.connection_), handle_(std::exchange(other.handle_, nullptr)), bound_(other.bound_) {}

Statement::~Statement() { sqlite3_finalize(handle_); }

void Statement::bind(std::string_view text) noexcept {
  sqlite3_bind_text64(handle_, ++bound_, text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8);
}

Result<bool> Statement::step() {
  const int code = sqlite3_step(handle_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return connection_->failure();
}

std::int64_t Statement::number(int column) const noexcept { return sqlite3_column_int64(handle_, column); }

std::string_view Statement::text(int column) const noexcept {
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(handle_, column));
  return {bytes, bytes == nullptr ? 0 : static_cast<std::size_t>(sqlite3_column_bytes(handle_, column))};
}

}  // namespace dmskafka::sqlite
