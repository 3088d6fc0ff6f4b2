#include "core/settings/endpoint_url.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "core/settings/kafka_endpoint.h"

namespace dmskafka {
namespace {

Error wrong(std::string message) { return Error(ErrorCode::kInvalidSettings, std::move(message)); }

Result<std::string> percent_decoded(std::string_view text, std::string_view part) {
  const auto digit = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  };
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? digit(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? digit(text[i + 2]) : -1;
    if (high < 0 || low < 0 || high + low == 0) {
      return wrong(fmt::format("the URL's {} has a % that is not followed by two hexadecimal digits", part))
          .expected("%25 for the character itself");
    }
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

// What `text` holds before `mark`, which is taken away with it; nullopt when there is no mark.
std::optional<std::string_view> taken_before(std::string_view& text, char mark) {
  const std::size_t at = text.find(mark);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view head = text.substr(0, at);
  text.remove_prefix(at + 1);
  return head;
}

Result<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error == std::errc() && end == text.data() + text.size() && port != 0) return port;
  return wrong(fmt::format("the URL's port \"{}\" is none", text)).expected("1 to 65535");
}

Result<void> parse_host_port(std::string_view text, SourceSettings& into) {
  if (text.find(',') != std::string_view::npos)
    return wrong("the URL names several hosts").expected("one host");
  std::string_view port;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return wrong("the URL's IPv6 address is not closed").expected("]");
    into.host = text.substr(1, end - 1);
    port = text.substr(end + 1);
    if (!port.empty() && port[0] != ':')
      return wrong("the URL has text after its IPv6 address").expected(":port or /database");
    if (!port.empty()) port.remove_prefix(1);
  } else {
    const std::size_t colon = text.find(':');
    DMSKAFKA_ASSIGN(into.host, percent_decoded(text.substr(0, colon), "host"));
    if (colon != std::string_view::npos) port = text.substr(colon + 1);
  }
  if (!port.empty()) {
    DMSKAFKA_ASSIGN(into.port, parse_port(port));
  }
  return {};
}

// libpq parameters that may pass; those that would change what is read or whom we are do not.
constexpr std::array<std::string_view, 24> kLibpqParameters = {"application_name",
                                                               "channel_binding",
                                                               "connect_timeout",
                                                               "fallback_application_name",
                                                               "gssencmode",
                                                               "hostaddr",
                                                               "keepalives",
                                                               "keepalives_count",
                                                               "keepalives_idle",
                                                               "keepalives_interval",
                                                               "krbsrvname",
                                                               "options",
                                                               "passfile",
                                                               "requirepeer",
                                                               "sslcert",
                                                               "sslcrl",
                                                               "sslcrldir",
                                                               "sslkey",
                                                               "sslpassword",
                                                               "sslsni",
                                                               "ssl_max_protocol_version",
                                                               "ssl_min_protocol_version",
                                                               "target_session_attrs",
                                                               "tcp_user_timeout"};
constexpr std::array<std::string_view, 7> kOwnParameters = {"host",   "port",    "user",       "password",
                                                            "dbname", "sslmode", "sslrootcert"};

std::string quoted_for_libpq(std::string_view value) {
  std::string out = "'";
  for (const char c : value) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

Result<SslMode> ssl_mode_of(std::string_view value) {
  if (value == "disable") return SslMode::kNone;
  if (value == "require") return SslMode::kRequire;
  if (value == "verify-ca") return SslMode::kVerifyCa;
  if (value == "verify-full") return SslMode::kVerifyFull;
  return wrong(fmt::format("the URL's sslmode \"{}\" is not supported", value))
      .expected("disable, prefer, require, verify-ca or verify-full");
}

Result<void> take_parameter(std::string_view name, const std::string& value, SourceSettings& into) {
  if (name == "host")
    into.host = value;
  else if (name == "user")
    into.username = value;
  else if (name == "password")
    into.password = value;
  else if (name == "dbname")
    into.database_name = value;
  else if (name == "sslrootcert")
    into.ca_certificate = value;
  else if (name == "port") {
    DMSKAFKA_ASSIGN(into.port, parse_port(value));
  } else if (name == "sslmode" && value != "prefer" && value != "allow") {
    DMSKAFKA_ASSIGN(into.ssl_mode, ssl_mode_of(value));
  } else {
    if (!into.url_parameters.empty()) into.url_parameters += ' ';
    into.url_parameters += fmt::format("{}={}", name, quoted_for_libpq(value));
  }
  return {};
}

// A URL of MySQL knows the words of its own client.
constexpr std::array<std::string_view, 2> kMysqlParameters = {"ssl-ca", "ssl-mode"};

Result<void> take_mysql_parameter(std::string_view name, const std::string& value, SourceSettings& into) {
  if (name == "ssl-ca") {
    into.ca_certificate = value;
    return {};
  }
  constexpr std::array<std::string_view, 4> kModes = {"disabled", "required", "verify-ca", "verify-identity"};
  for (std::size_t i = 0; i < kModes.size(); ++i) {
    if (folded_name(value) != folded_name(kModes[i])) continue;
    into.ssl_mode = static_cast<SslMode>(i + 1);  // kUnset comes first
    return {};
  }
  return wrong(fmt::format("the URL's ssl-mode \"{}\" is not supported", value))
      .expected("DISABLED, REQUIRED, VERIFY_CA or VERIFY_IDENTITY");
}

std::vector<std::string_view> known_parameters(SourceKind kind) {
  if (kind != SourceKind::kPostgres) return {kMysqlParameters.begin(), kMysqlParameters.end()};
  std::vector<std::string_view> names(kLibpqParameters.begin(), kLibpqParameters.end());
  names.insert(names.end(), kOwnParameters.begin(), kOwnParameters.end());
  return names;
}

Result<void> parse_parameters(std::string_view query, SourceSettings& into) {
  while (!query.empty()) {
    std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(pair.size() + 1, query.size()));
    if (pair.empty()) continue;
    const auto name = taken_before(pair, '=');
    if (!name)
      return wrong(fmt::format("the URL's parameter \"{}\" has no value", pair)).expected("name=value");
    const std::vector<std::string_view> names = known_parameters(into.kind);
    if (std::find(names.begin(), names.end(), *name) == names.end()) {
      const std::string_view nearest = nearest_name(*name, names);
      Error error = wrong(fmt::format("the URL's parameter \"{}\" is not supported", *name));
      return nearest.empty() ? error : std::move(error).expected(std::string(nearest));
    }
    DMSKAFKA_ASSIGN(const std::string value, percent_decoded(pair, fmt::format("parameter {}", *name)));
    DMSKAFKA_TRY(into.kind == SourceKind::kPostgres ? take_parameter(*name, value, into)
                                                    : take_mysql_parameter(*name, value, into));
  }
  return {};
}

// `rest` is what follows "//".
Result<void> parse_server_url(std::string_view rest, SourceSettings& into) {
  const std::size_t query = rest.find('?');
  const std::string_view parameters =
      query == std::string_view::npos ? std::string_view() : rest.substr(query + 1);
  rest = rest.substr(0, query);
  const std::size_t slash = rest.find('/');
  std::string_view authority = rest.substr(0, slash);
  if (slash != std::string_view::npos) {
    DMSKAFKA_ASSIGN(into.database_name, percent_decoded(rest.substr(slash + 1), "database name"));
  }
  // The last '@' ends the user's part: an unescaped one in a password does no harm.
  if (const std::size_t at = authority.rfind('@'); at != std::string_view::npos) {
    std::string_view password = authority.substr(0, at);
    authority.remove_prefix(at + 1);
    const auto user = taken_before(password, ':');
    DMSKAFKA_ASSIGN(into.username, percent_decoded(user.value_or(password), "user name"));
    if (user) {
      DMSKAFKA_ASSIGN(into.password, percent_decoded(password, "password"));
    }
  }
  DMSKAFKA_TRY(parse_host_port(authority, into));
  DMSKAFKA_TRY(parse_parameters(parameters, into));
  // A connection to MySQL needs no database; the mapping's schemas are its databases.
  if (into.kind == SourceKind::kPostgres && into.database_name.empty())
    return wrong("the URL names no database").expected("postgresql://host/database");
  return {};
}

Result<void> parse_sqlite_url(std::string_view rest, SourceSettings& into) {
  if (rest.starts_with("//")) rest.remove_prefix(2);
  if (rest.empty()) return wrong("the URL names no file").expected("sqlite:FILE");
  if (rest == ":memory:") return wrong("sqlite::memory: is always empty").expected("sqlite:FILE");
  into.kind = SourceKind::kSqlite;
  into.file = rest;
  return {};
}

Result<void> parse_kafka_url(std::string_view rest, TargetSettings& into) {
  if (rest.find('@') != std::string_view::npos || rest.find('?') != std::string_view::npos) {
    return wrong("a kafka:// URL has brokers and a topic only")
        .hint("give user, password and other settings as JSON (KafkaSettings)");
  }
  const std::size_t slash = rest.find('/');
  DMSKAFKA_ASSIGN(into.kafka.brokers, parse_brokers(rest.substr(0, slash)));
  if (slash == std::string_view::npos || slash + 1 == rest.size()) return {};
  into.kafka.topic = rest.substr(slash + 1);
  if (auto fault = topic_fault(into.kafka.topic)) return std::move(*fault);
  return {};
}

}  // namespace

bool is_source_url(std::string_view text) {
  constexpr std::array<std::string_view, 5> kSchemes = {
      "postgresql:", "postgres:", "mysql:", "mariadb:", "sqlite:"};
  return std::any_of(kSchemes.begin(), kSchemes.end(),
                     [&](std::string_view s) { return text.starts_with(s); });
}

bool is_target_url(std::string_view text) {
  return text == "-" || text.starts_with("kafka:") || text.starts_with("discard:");
}

Result<void> parse_source_url(std::string_view url, SourceSettings& into) {
  const std::string_view scheme = taken_before(url, ':').value_or("");
  if (scheme == "sqlite") return parse_sqlite_url(url, into);
  if (!url.starts_with("//")) {
    return wrong(fmt::format("a URL of {} begins with {}://", scheme, scheme))
        .expected(fmt::format("{}://host/database", scheme));
  }
  if (scheme == "mysql") into.kind = SourceKind::kMysql;
  if (scheme == "mariadb") into.kind = SourceKind::kMariadb;
  return parse_server_url(url.substr(2), into);
}

Result<void> parse_target_url(std::string_view url, TargetSettings& into) {
  if (url == "-") {
    into.kind = TargetKind::kStdout;
  } else if (url == "discard:") {
    into.kind = TargetKind::kDiscard;
  } else if (url == "kafka:embedded") {
    into.kind = TargetKind::kEmbedded;
  } else if (url.starts_with("kafka://")) {
    return parse_kafka_url(url.substr(8), into);
  } else {
    return wrong(fmt::format("the target \"{}\" is none", url))
        .expected("kafka://host:9092/topic, kafka:embedded, discard:, - or JSON");
  }
  return {};
}

}  // namespace dmskafka
