#include "sources/mysql/connection.h"

#include <fmt/format.h>
#include <mysql.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <system_error>
#include <utility>

#include "core/base/socket_wait.h"

namespace dmskafka::mysql {

/// The native handles, in the order in which they may go.
struct Connection::Session {
  MYSQL* handle = nullptr;
  MYSQL_RES* streamed = nullptr;  ///< rows that are being read
  bool broken = false;

  Session() = default;
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session() {
    if (streamed != nullptr) {
      cut();  // else freeing would read the rest of the rows
      mysql_free_result(streamed);
    }
    if (handle != nullptr) mysql_close(handle);
  }
  void cut() noexcept {
    broken = true;
    const my_socket descriptor = mysql_get_socket(handle);
    if (descriptor >= 0) shutdown(descriptor, SHUT_RDWR);
  }
};

namespace {

using Clock = std::chrono::steady_clock;

/// A stop request is seen within this.
constexpr std::chrono::milliseconds kTick{250};
/// How long a server may take to end a statement that we gave up.
constexpr std::chrono::seconds kAbandonLimit{2};
/// One row, and one value of it, may have so many bytes: the servers' own limit.
constexpr unsigned long kPacketBytesMax = 1UL << 30U;
constexpr std::uint32_t kOldestMysql = 50700;
constexpr std::uint32_t kOldestMariadb = 100500;

Error cancelled() { return Error(ErrorCode::kCancelled, "stopped while waiting for MySQL"); }

Clock::time_point deadline(std::chrono::seconds limit) {
  return Clock::now() + (limit.count() == 0 ? std::chrono::hours(24 * 365) : limit);
}

std::chrono::milliseconds until_next_tick(Clock::time_point until) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now());
  return std::clamp(left, std::chrono::milliseconds(0), kTick);
}

enum class Wait : std::uint8_t { kReady, kTimeout, kStopped };
Wait wait_for(int descriptor, short events, Clock::time_point until, const std::stop_token& stop) {
  while (!wait_socket(descriptor, events, until_next_tick(until))) {
    if (stop.stop_requested()) return Wait::kStopped;
    if (Clock::now() >= until) return Wait::kTimeout;
  }
  return Wait::kReady;
}

/// A peer that is gone without a word is noticed in about a minute, whether we read or write.
void set_keepalive(int descriptor) noexcept {
  const auto set = [&](int level, int name, int value) {
    (void)setsockopt(descriptor, level, name, &value, sizeof value);
  };
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, 30);
  set(IPPROTO_TCP, TCP_KEEPINTVL, 10);
  set(IPPROTO_TCP, TCP_KEEPCNT, 3);
  set(IPPROTO_TCP, TCP_USER_TIMEOUT, 60'000);
}

short poll_events(int wanted) noexcept {
  int events = 0;
  if ((wanted & MYSQL_WAIT_READ) != 0) events |= POLLIN;
  if ((wanted & MYSQL_WAIT_WRITE) != 0) events |= POLLOUT;
  if ((wanted & MYSQL_WAIT_EXCEPT) != 0) events |= POLLPRI;
  return static_cast<short>(events);
}

const char* given(const std::string& text) noexcept { return text.empty() ? nullptr : text.c_str(); }

bool wants_tls(SslMode mode) noexcept { return mode != SslMode::kUnset && mode != SslMode::kNone; }

}  // namespace

void ResultDeleter::operator()(st_mysql_res* result) const noexcept { mysql_free_result(result); }
void Connection::SessionDeleter::operator()(Session* session) const noexcept { delete session; }

QueryResult::QueryResult(ResultHandle handle) : handle_(std::move(handle)) {
  if (!handle_) return;
  columns_ = mysql_num_fields(handle_.get());
  cells_.reserve(static_cast<std::size_t>(mysql_num_rows(handle_.get())) * columns_);
  while (const MYSQL_ROW row = mysql_fetch_row(handle_.get())) {
    const unsigned long* const lengths = mysql_fetch_lengths(handle_.get());
    for (std::size_t i = 0; i < columns_; ++i) {
      cells_.push_back(row[i] == nullptr ? std::string_view() : std::string_view(row[i], lengths[i]));
    }
  }
}

bool QueryResult::is_null(std::size_t row, std::size_t column) const noexcept {
  return cells_[row * columns_ + column].data() == nullptr;
}
std::string_view QueryResult::text(std::size_t row, std::size_t column) const noexcept {
  return cells_[row * columns_ + column];
}
std::optional<std::size_t> QueryResult::find_column(std::string_view name) const {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  const MYSQL_FIELD* const fields = mysql_fetch_fields(handle_.get());
  for (std::size_t i = 0; i < columns_; ++i) {
    const std::string_view one = fields[i].name;
    if (std::ranges::equal(one, name, {}, lower, lower)) return i;
  }
  return std::nullopt;
}

Result<Connection> Connection::open(std::shared_ptr<const SourceSettings> settings,
                                    const std::stop_token& stop) {
  Connection connection(std::move(settings));
  DMSKAFKA_TRY(connection.set_options());
  DMSKAFKA_TRY(connection.connect(stop));
  DMSKAFKA_TRY(connection.prepare_session(stop));
  return connection;
}

Result<void> Connection::set_options() {
  session_.reset(new Session);
  session_->handle = mysql_init(nullptr);
  if (session_->handle == nullptr) {
    return Error(ErrorCode::kSourceUnavailable, "out of memory while connecting to MySQL");
  }
  MYSQL* const handle = session_->handle;
  mysql_options(handle, MYSQL_OPT_NONBLOCK, nullptr);  // so that connecting can be stopped
  // TCP always: "localhost" would else be a socket file of the machine's own server, whatever the port says.
  const unsigned protocol = MYSQL_PROTOCOL_TCP;
  mysql_options(handle, MYSQL_OPT_PROTOCOL, &protocol);
  // A server may ask its client for any file while this is on.
  const unsigned no_files = 0;
  mysql_options(handle, MYSQL_OPT_LOCAL_INFILE, &no_files);
  mysql_options(handle, MYSQL_OPT_MAX_ALLOWED_PACKET, &kPacketBytesMax);
  mysql_options(handle, MYSQL_SET_CHARSET_NAME, "utf8mb4");
  const auto timeout = static_cast<unsigned>(settings_->connection_timeout_s);
  mysql_options(handle, MYSQL_OPT_CONNECT_TIMEOUT, &timeout);
  mysql_options4(handle, MYSQL_OPT_CONNECT_ATTR_ADD, "program_name", "dmskafka");
  return set_tls();
}

/// Always said, never left to the library: 3.4 verifies by default, 3.3 does not. A certificate authority alone makes it check
/// the chain; the name is checked as well where SSL_VERIFY_SERVER_CERT is on.
Result<void> Connection::set_tls() {
  MYSQL* const handle = session_->handle;
  const my_bool encrypt = wants_tls(settings_->ssl_mode) ? 1 : 0;
  const my_bool verify_name = settings_->ssl_mode == SslMode::kVerifyFull ? 1 : 0;
  mysql_options(handle, MYSQL_OPT_SSL_ENFORCE, &encrypt);
  mysql_options(handle, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verify_name);
  if (settings_->ssl_mode != SslMode::kVerifyCa && settings_->ssl_mode != SslMode::kVerifyFull) return {};
  if (settings_->ca_certificate.empty()) {
    mysql_options(handle, MYSQL_OPT_SSL_CAPATH, "/etc/ssl/certs");
    return {};
  }
  std::error_code failed;
  if (!std::filesystem::exists(settings_->ca_certificate, failed)) {
    return Error(ErrorCode::kInvalidSettings,
                 fmt::format("CertificateArn: there is no file {}", settings_->ca_certificate));
  }
  mysql_options(handle, MYSQL_OPT_SSL_CA, settings_->ca_certificate.c_str());
  return {};
}

Result<void> Connection::connect(const std::stop_token& stop) {
  if (stop.stop_requested()) return cancelled();
  MYSQL* const handle = session_->handle;
  const Clock::time_point until = deadline(std::chrono::seconds(settings_->connection_timeout_s));
  MYSQL* connected = nullptr;
  Wait waited = Wait::kReady;
  int wanted = mysql_real_connect_start(&connected, handle, given(settings_->host),
                                        given(settings_->username), settings_->password.c_str(),
                                        given(settings_->database_name), settings_->port, nullptr, 0);
  while (wanted != 0) {
    int happened = wanted & (MYSQL_WAIT_READ | MYSQL_WAIT_WRITE);
    if (waited == Wait::kReady) {
      waited = wait_for(mysql_get_socket(handle), poll_events(wanted), until, stop);
      if (waited != Wait::kReady) session_->cut();
    }
    if (waited != Wait::kReady) happened = MYSQL_WAIT_TIMEOUT;  // it ends then, and gives its memory back
    wanted = mysql_real_connect_cont(&connected, handle, happened);
  }
  if (waited == Wait::kStopped) return cancelled();
  if (waited == Wait::kTimeout) {
    const std::string words =
        fmt::format("no answer within ConnectionTimeout ({} s)", settings_->connection_timeout_s);
    return connect_error({2002, words}, settings_->username, place());
  }
  if (connected == nullptr) return connect_error(failure(), settings_->username, place());
  set_keepalive(socket());
  if (wants_tls(settings_->ssl_mode) && mysql_get_ssl_cipher(handle) == nullptr) {
    return Error(
        ErrorCode::kSourceRejected,
        fmt::format("the connection to MySQL at {} is not encrypted although SslMode asks for it", place()));
  }
  return {};
}

Result<void> Connection::prepare_session(const std::stop_token& stop) {
  DMSKAFKA_ASSIGN(const QueryResult who, query("SELECT VERSION(), CONNECTION_ID(), CURRENT_USER()", stop));
  version_ = parse_server_version(std::string(who.text(0, 0)));
  DMSKAFKA_TRY(check_version());
  const std::string_view id = who.text(0, 1);
  std::from_chars(id.data(), id.data() + id.size(), session_id_);
  account_ = who.text(0, 2);
  if (!settings_->after_connect_script.empty()) {
    // The script comes first: it may do anything but change the text of the values we read.
    auto script = run_script(stop);
    if (!script) return std::move(script).error().while_doing("running AfterConnectScript");
  }
  for (const std::string& statement : session_statements(version_)) {
    auto done = query(statement, stop);
    if (!done) return std::move(done).error().while_doing("setting up the session");
  }
  return check_session(stop);
}

Result<void> Connection::check_version() const {
  const std::uint32_t oldest = version_.is_mariadb() ? kOldestMariadb : kOldestMysql;
  if (version_.number >= oldest) return {};
  return Error(ErrorCode::kSourceRejected,
               fmt::format("{} {}.{} at {} is too old: {} is the oldest supported version",
                           version_.is_mariadb() ? "MariaDB" : "MySQL", version_.number / 10'000,
                           version_.number / 100 % 100, place(), version_.is_mariadb() ? "10.5" : "5.7"));
}

/// Several statements, one after the other, with whatever they give back.
Result<void> Connection::run_script(const std::stop_token& stop) {
  MYSQL* const handle = session_->handle;
  mysql_set_server_option(handle, MYSQL_OPTION_MULTI_STATEMENTS_ON);
  DMSKAFKA_ASSIGN(
      std::optional<NativeError> refusal,
      send(settings_->after_connect_script, std::chrono::seconds(settings_->execute_timeout_s), stop));
  while (!refusal) {
    ResultHandle(mysql_store_result(handle));
    if (mysql_more_results(handle) == 0) break;
    DMSKAFKA_ASSIGN(const bool ended, [&]() -> Result<bool> {
      const Interruption interruption(*this, stop);
      if (mysql_next_result(handle) <= 0) return false;
      if (!usable()) return lost(stop);
      return true;
    }());
    if (ended) refusal = failure();
  }
  if (refusal) return query_error(*refusal);
  mysql_set_server_option(handle, MYSQL_OPTION_MULTI_STATEMENTS_OFF);
  if ((handle->server_status & SERVER_STATUS_IN_TRANS) != 0) {
    return Error(ErrorCode::kSourceRejected, "it leaves a transaction open");
  }
  return {};
}

/// A proxy between us and the server may swallow settings, and then values would silently look different.
Result<void> Connection::check_session(const std::stop_token& stop) {
  DMSKAFKA_ASSIGN(const QueryResult now,
                  query("SELECT @@session.time_zone, @@session.sql_mode, @@session.character_set_results, "
                        "@@session.autocommit",
                        stop));
  constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kExpected = {
      {{"time_zone", "+00:00"}, {"sql_mode", ""}, {"character_set_results", "utf8mb4"}, {"autocommit", "1"}}};
  for (std::size_t i = 0; i < kExpected.size(); ++i) {
    const auto& [name, value] = kExpected[i];
    if (now.text(0, i) == value) continue;
    return Error(ErrorCode::kSourceRejected,
                 fmt::format("the session at {} has {} \"{}\" although \"{}\" was asked for", place(), name,
                             now.text(0, i), value))
        .hint("connect to the server itself, or through a proxy that keeps one session for each client");
  }
  return {};
}

Result<void> Connection::post(std::string_view statement, const std::stop_token& stop) {
  if (!usable()) return lost(stop);
  const Interruption interruption(*this, stop);
  if (mysql_send_query(session_->handle, statement.data(), statement.size()) != 0) return lost(stop);
  return {};
}

Result<std::optional<NativeError>> Connection::send(std::string_view statement, std::chrono::seconds limit,
                                                    const std::stop_token& stop) {
  DMSKAFKA_TRY(post(statement, stop));
  return read_answer(limit, stop);
}

/// Waits until the server begins to answer, then reads the answer's beginning.
Result<std::optional<NativeError>> Connection::read_answer(std::chrono::seconds limit,
                                                           const std::stop_token& stop) {
  switch (wait_for(socket(), POLLIN, deadline(limit), stop)) {
    case Wait::kReady: break;
    case Wait::kStopped: session_->cut(); return cancelled();
    case Wait::kTimeout:
      session_->cut();
      return Error(
          ErrorCode::kSourceUnavailable,
          fmt::format("MySQL at {} did not answer within ExecuteTimeout ({} s)", place(), limit.count()));
  }
  const Interruption interruption(*this, stop);
  if (mysql_read_query_result(session_->handle) == 0) return std::optional<NativeError>();
  if (!usable()) return lost(stop);
  return std::optional<NativeError>(failure());
}

Result<Connection::Outcome> Connection::run(std::string_view statement, std::chrono::seconds limit,
                                            const std::stop_token& stop) {
  DMSKAFKA_TRY(post(statement, stop));
  return collect(limit, stop);
}

Result<Connection::Outcome> Connection::answer(const std::stop_token& stop) {
  return collect(std::chrono::seconds(settings_->execute_timeout_s), stop);
}

Result<Connection::Outcome> Connection::collect(std::chrono::seconds limit, const std::stop_token& stop) {
  DMSKAFKA_ASSIGN(std::optional<NativeError> refusal, read_answer(limit, stop));
  if (refusal) return Outcome{std::move(refusal)};
  const Interruption interruption(*this, stop);
  ResultHandle rows(mysql_store_result(session_->handle));
  if (!rows && mysql_errno(session_->handle) != 0) {
    if (!usable()) return lost(stop);
    return Outcome{failure()};
  }
  return Outcome{std::nullopt, QueryResult(std::move(rows))};
}

Result<Connection::Outcome> Connection::run(std::string_view statement, const std::stop_token& stop) {
  return run(statement, std::chrono::seconds(settings_->execute_timeout_s), stop);
}

Result<QueryResult> Connection::query(std::string_view statement, const std::stop_token& stop) {
  DMSKAFKA_ASSIGN(Outcome outcome, run(statement, stop));
  if (outcome.failure) return query_error(*outcome.failure);
  return std::move(outcome.rows);
}

Result<std::optional<NativeError>> Connection::start_rows(std::string_view statement,
                                                          const std::stop_token& stop) {
  DMSKAFKA_ASSIGN(std::optional<NativeError> refusal, send(statement, std::chrono::seconds(0), stop));
  if (refusal) return refusal;
  session_->streamed = mysql_use_result(session_->handle);
  if (session_->streamed == nullptr) return std::optional<NativeError>(failure());
  return std::optional<NativeError>();
}

Connection::Row Connection::next_row(char**& values, const unsigned long*& lengths) noexcept {
  values = mysql_fetch_row(session_->streamed);
  if (values != nullptr) {
    lengths = mysql_fetch_lengths(session_->streamed);
    return Row::kRow;
  }
  mysql_free_result(session_->streamed);  // nothing is left of it
  session_->streamed = nullptr;
  return mysql_errno(session_->handle) == 0 ? Row::kEnd : Row::kFailed;
}

void Connection::abandon_rows(Connection* killer) noexcept {
  if (!session_ || session_->streamed == nullptr) return;
  if (killer == nullptr || !usable()) return session_->cut();
  try {
    const std::stop_token never;
    auto killed = killer->run(fmt::format("KILL QUERY {}", session_id_), kAbandonLimit, never);
    if (!killed || killed->failure) return session_->cut();
    // What the server had written before is still on its way to us.
    const Clock::time_point until = Clock::now() + kAbandonLimit;
    char** values = nullptr;
    const unsigned long* lengths = nullptr;
    while (next_row(values, lengths) == Row::kRow) {
      if (Clock::now() >= until) return session_->cut();
    }
  } catch (const std::exception&) {
    session_->cut();
  }
}

void Connection::end_session(std::uint64_t session) noexcept {
  try {
    if (usable()) (void)run(fmt::format("KILL {}", session), kAbandonLimit, {});
  } catch (const std::exception&) {  // it ends by itself, only later
  }
}

bool Connection::usable() const noexcept {
  if (!session_ || session_->broken) return false;
  // The library's own errors are those of the connection.
  const unsigned number = mysql_errno(session_->handle);
  if (number >= 2000 && number < 3000) session_->broken = true;
  return !session_->broken;
}

bool Connection::in_transaction() const noexcept {
  return usable() && (session_->handle->server_status & SERVER_STATUS_IN_TRANS) != 0;
}

std::string Connection::place() const {
  return fmt::format("{}:{}", settings_->host.empty() ? "localhost" : settings_->host,
                     settings_->port == 0 ? 3306 : settings_->port);
}

NativeError Connection::failure() const {
  return make_native_error(mysql_errno(session_->handle), mysql_error(session_->handle));
}

Error Connection::lost(const std::stop_token& stop) const {
  if (stop.stop_requested()) return cancelled();
  if (!session_) return Error(ErrorCode::kSourceUnavailable, "MySQL: the connection is closed");
  return query_error(failure());
}

int Connection::socket() const noexcept { return mysql_get_socket(session_->handle); }
st_mysql* Connection::native() const noexcept { return session_->handle; }

Interruption::Interruption(const Connection& connection, const std::stop_token& stop)
    : callback_(stop, ShutDown{connection.socket()}) {}

void Interruption::ShutDown::operator()() const noexcept {
  if (socket >= 0) shutdown(socket, SHUT_RDWR);
}

}  // namespace dmskafka::mysql
