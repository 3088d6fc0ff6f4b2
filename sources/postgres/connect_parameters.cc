#include "sources/postgres/connect_parameters.h"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <algorithm>
#include <charconv>
#include <memory>

#include "sources/postgres/session_settings.h"

namespace dmskafka::postgres {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

void set(Pairs& pairs, std::string keyword, std::string value) {
  const auto same =
      std::find_if(pairs.begin(), pairs.end(), [&](const auto& pair) { return pair.first == keyword; });
  if (same != pairs.end()) {
    same->second = std::move(value);
  } else {
    pairs.emplace_back(std::move(keyword), std::move(value));
  }
}

void set_if_given(Pairs& pairs, std::string keyword, const std::string& value) {
  if (!value.empty()) set(pairs, std::move(keyword), value);
}

Result<void> add_url_parameters(const std::string& parameters, Pairs& pairs) {
  char* problem = nullptr;
  const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> options(
      PQconninfoParse(parameters.c_str(), &problem), &PQconninfoFree);
  const std::unique_ptr<char, decltype(&PQfreemem)> problem_owner(problem, &PQfreemem);
  if (!options) {
    return Error(ErrorCode::kInvalidSettings,
                 fmt::format("the connection URL's parameters are not understood: {}",
                             problem != nullptr ? problem : "out of memory"));
  }
  for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option) {
    if (option->val != nullptr) set(pairs, option->keyword, option->val);
  }
  return {};
}

const char* libpq_ssl_mode(SslMode mode) {
  switch (mode) {
    case SslMode::kUnset:
    case SslMode::kNone: return "disable";
    case SslMode::kRequire: return "require";
    case SslMode::kVerifyCa: return "verify-ca";
    case SslMode::kVerifyFull: return "verify-full";
  }
  return "verify-full";
}

}  // namespace

const std::string* ConnectParameters::find(const std::string& keyword) const {
  const auto pair =
      std::find_if(pairs.begin(), pairs.end(), [&](const auto& p) { return p.first == keyword; });
  return pair != pairs.end() ? &pair->second : nullptr;
}

Result<ConnectParameters> connect_parameters(const SourceSettings& settings) {
  ConnectParameters parameters;
  Pairs& pairs = parameters.pairs;
  // A peer that is gone without a word is noticed in about a minute, whether we read or write.
  set(pairs, "keepalives", "1");
  set(pairs, "keepalives_idle", "30");
  set(pairs, "keepalives_interval", "10");
  set(pairs, "keepalives_count", "3");
  set(pairs, "tcp_user_timeout", "60000");
  // With a ticket at hand libpq would encrypt by GSS and never look at sslmode or the certificate.
  set(pairs, "gssencmode", "disable");
  set(pairs, "application_name", "dmskafka");

  DMSKAFKA_TRY(add_url_parameters(settings.url_parameters, pairs));

  set_if_given(pairs, "host", settings.host);
  if (settings.port != 0) set(pairs, "port", std::to_string(settings.port));
  set_if_given(pairs, "user", settings.username);
  set_if_given(pairs, "password", settings.password);
  set_if_given(pairs, "dbname", settings.database_name);
  if (settings.ssl_mode != SslMode::kUnset || parameters.find("sslmode") == nullptr) {
    set(pairs, "sslmode", libpq_ssl_mode(settings.ssl_mode));
  }
  set_if_given(pairs, "sslrootcert", settings.ca_certificate);

  set(pairs, "client_encoding", "UTF8");
  const std::string* user_options = parameters.find("options");
  set(pairs, "options",
      user_options != nullptr ? *user_options + " " + startup_options() : startup_options());

  // libpq's own connect_timeout does not bind PQconnectPoll(), so we keep it; 0 is libpq's "for ever".
  if (const std::string* text = parameters.find("connect_timeout"); text != nullptr) {
    int seconds = 0;
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), seconds);
    if (error != std::errc() || end != text->data() + text->size() || seconds < 0) {
      return Error(ErrorCode::kInvalidSettings,
                   fmt::format("connect_timeout \"{}\" is not a number of seconds", *text));
    }
    parameters.timeout = seconds == 0 ? std::chrono::hours(24) : std::chrono::seconds(seconds);
  }
  return parameters;
}

}  // namespace dmskafka::postgres
