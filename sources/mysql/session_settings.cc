#include "sources/mysql/session_settings.h"

#include <charconv>
#include <string_view>

namespace dmskafka::mysql {
namespace {

struct SessionVariable {
  std::string_view name;
  std::string_view value;
  enum class Server : std::uint8_t { kAny, kMysql, kMariadb } server = Server::kAny;
  std::uint32_t since = 0;  ///< the version that knows it
};
using Server = SessionVariable::Server;

constexpr SessionVariable kVariables[] = {
    // The text of values. In sql_mode '' a backslash escapes, "a" is a text, and dates may be zero.
    {"time_zone", "'+00:00'"},
    {"sql_mode", "''"},
    // A slow target makes the server wait for us, and a load may last for days; a lock may not.
    {"net_write_timeout", "31536000"},
    {"net_read_timeout", "31536000"},
    {"wait_timeout", "31536000"},
    {"lock_wait_timeout", "10"},
    {"max_execution_time", "0", Server::kMysql},
    {"max_statement_time", "0", Server::kMariadb},
    {"idle_transaction_timeout", "0", Server::kMariadb},
    {"idle_readonly_transaction_timeout", "0", Server::kMariadb},
    // All rows of a table, however many.
    {"autocommit", "1"},
    {"sql_select_limit", "18446744073709551615"},
    {"sql_big_selects", "1"},
    // Sizes of tables as they are, not as they were yesterday.
    {"information_schema_stats_expiry", "0", Server::kMysql, 80003},
};

bool knows(const ServerVersion& version, const SessionVariable& variable) {
  if (version.number < variable.since) return false;
  return variable.server == Server::kAny || (variable.server == Server::kMariadb) == version.is_mariadb();
}

}  // namespace

ServerVersion parse_server_version(const std::string& text) {
  ServerVersion version;
  if (text.find("MariaDB") != std::string::npos) version.flavour = Flavour::kMariadb;
  std::string_view rest = text;
  if (version.is_mariadb() && rest.starts_with("5.5.5-"))
    rest.remove_prefix(6);  // what replicas of old believed
  std::uint32_t parts[3] = {0, 0, 0};
  for (std::uint32_t& part : parts) {
    const auto parsed = std::from_chars(rest.data(), rest.data() + rest.size(), part);
    rest.remove_prefix(static_cast<std::size_t>(parsed.ptr - rest.data()));
    if (!rest.starts_with('.')) break;
    rest.remove_prefix(1);
  }
  version.number = parts[0] * 10'000 + parts[1] * 100 + parts[2];
  return version;
}

std::vector<std::string> session_statements(const ServerVersion& version) {
  std::string variables = "SET ";
  for (const SessionVariable& variable : kVariables) {
    if (!knows(version, variable)) continue;
    if (&variable != kVariables) variables += ", ";
    variables.append("SESSION ").append(variable.name).append(" = ").append(variable.value);
  }
  return {"SET NAMES utf8mb4", std::move(variables),
          "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ"};
}

}  // namespace dmskafka::mysql
