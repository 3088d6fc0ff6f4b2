#include "sources/mysql/native_error.h"

#include <errmsg.h>
#include <fmt/format.h>
#include <mysqld_error.h>

#include <algorithm>
#include <initializer_list>

#include "sources/mysql/identifier.h"

namespace dmskafka::mysql {
namespace {

// Numbers of MySQL's own, which MariaDB's header does not have.
constexpr unsigned kMysqlQueryTimeout = 3024;       // ER_QUERY_TIMEOUT
constexpr unsigned kMysqlClientInteraction = 4031;  // ER_CLIENT_INTERACTION_TIMEOUT

bool is_one_of(unsigned number, std::initializer_list<unsigned> numbers) noexcept {
  return std::find(numbers.begin(), numbers.end(), number) != numbers.end();
}

bool is_client_error(unsigned number) noexcept {
  return (number >= CR_MIN_ERROR && number <= CR_MAX_ERROR) ||
         (number >= CR_EVENT_CREATE_FAILED && number <= CR_MARIADB_LAST_ERROR);
}

/// The server is there and answers, but not now; or it ended our session.
bool is_unavailable(unsigned number) noexcept {
  if (is_client_error(number)) {
    return !is_one_of(number,
                      {CR_SSL_CONNECTION_ERROR, CR_AUTH_PLUGIN_CANNOT_LOAD, CR_AUTH_PLUGIN_ERR,
                       CR_COMMANDS_OUT_OF_SYNC, CR_VERSION_ERROR, CR_PLUGIN_NOT_ALLOWED, CR_ERR_LOAD_PLUGIN});
  }
  return is_one_of(number, {ER_CON_COUNT_ERROR,      ER_OUT_OF_RESOURCES,        ER_HANDSHAKE_ERROR,
                            ER_SERVER_SHUTDOWN,      ER_NORMAL_SHUTDOWN,         ER_FORCING_CLOSE,
                            ER_CANT_CREATE_THREAD,   ER_HOST_IS_BLOCKED,         ER_TOO_MANY_USER_CONNECTIONS,
                            ER_USER_LIMIT_REACHED,   ER_NEW_ABORTING_CONNECTION, ER_NET_READ_ERROR,
                            ER_NET_READ_INTERRUPTED, ER_NET_ERROR_ON_WRITE,      ER_NET_WRITE_INTERRUPTED,
                            ER_QUERY_INTERRUPTED,    ER_CONNECTION_KILLED,       ER_DISK_FULL,
                            ER_OUTOFMEMORY,          ER_OUT_OF_SORTMEMORY,       ER_STATEMENT_TIMEOUT,
                            kMysqlQueryTimeout,      kMysqlClientInteraction});
}

Error lock_hint(Error error) {
  return std::move(error).hint(
      "another session alters the table, or waits to do so behind a long transaction (ALTER TABLE, TRUNCATE, "
      "LOCK "
      "TABLES …)");
}

}  // namespace

NativeError make_native_error(unsigned number, std::string_view message) {
  if (number == ER_PARSE_ERROR) return {number, "the server finds a syntax error in the statement"};
  std::string line(message);
  std::replace(line.begin(), line.end(), '\n', ' ');
  while (!line.empty() && (line.back() == ' ' || line.back() == '.')) line.pop_back();
  if (line.empty()) line = "the connection broke";
  return {number, std::move(line)};
}

Error connect_error(const NativeError& native, std::string_view user, std::string_view place) {
  if (is_unavailable(native.number)) {
    return Error(ErrorCode::kSourceUnavailable,
                 fmt::format("MySQL at {} cannot be reached: {}", place, native.message));
  }
  Error rejected(ErrorCode::kSourceRejected,
                 fmt::format("MySQL at {} refused user \"{}\": {}", place, user, native.message));
  if (native.message.find("insecure transport") != std::string::npos) {
    return std::move(rejected).hint("set SslMode to require, verify-ca or verify-full");
  }
  if (native.number == ER_MUST_CHANGE_PASSWORD_LOGIN) {
    return std::move(rejected).hint("the password has expired: ALTER USER … IDENTIFIED BY … sets a new one");
  }
  return rejected;
}

Error query_error(const NativeError& native) {
  const auto code =
      is_unavailable(native.number) ? ErrorCode::kSourceUnavailable : ErrorCode::kSourceRejected;
  return Error(code, fmt::format("MySQL: {} ({})", native.message, native.number));
}

Error table_error(const NativeError& native, const TableName& table, std::string_view account) {
  if (is_unavailable(native.number)) return query_error(native);
  Error error(ErrorCode::kTableUnreadable,
              fmt::format("{}: {} ({})", table.text(), native.message, native.number));
  if (is_denied(native)) {
    return std::move(error).hint(
        fmt::format("GRANT SELECT ON {} TO {};", quote_table(table), quote_account(account)));
  }
  if (is_lock_timeout(native)) return lock_hint(std::move(error));
  if (native.number == ER_TABLE_DEF_CHANGED) {
    return std::move(error).hint("the table was altered while the load began; run the load again");
  }
  return error;
}

bool is_denied(const NativeError& native) noexcept {
  return is_one_of(native.number, {ER_ACCESS_DENIED_ERROR, ER_DBACCESS_DENIED_ERROR,
                                   ER_TABLEACCESS_DENIED_ERROR, ER_COLUMNACCESS_DENIED_ERROR,
                                   ER_SPECIFIC_ACCESS_DENIED_ERROR, ER_ACCESS_DENIED_NO_PASSWORD_ERROR});
}

bool is_lock_timeout(const NativeError& native) noexcept { return native.number == ER_LOCK_WAIT_TIMEOUT; }

}  // namespace dmskafka::mysql
