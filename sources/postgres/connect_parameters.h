#pragma once
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "core/base/result.h"
#include "core/settings/source_settings.h"

namespace dmskafka::postgres {

/// What PQconnectStartParams() gets. One of a keyword is left. Holds the password: never print it.
struct ConnectParameters {
  std::vector<std::pair<std::string, std::string>> pairs;  ///< libpq keyword and value
  std::chrono::seconds timeout{15};  ///< for the whole of connecting, however many addresses the host has

  const std::string* find(const std::string& keyword) const;
};

/// Precedence, weakest first: our defaults (keepalives …), the URL's further parameters, the endpoint's settings, and what
/// reading correctly depends on (client_encoding, options). What none of them gives, libpq takes from its environment
/// (PGPASSWORD, ~/.pgpass …). Errors: kInvalidSettings when libpq does not understand `url_parameters`.
Result<ConnectParameters> connect_parameters(const SourceSettings& settings);

}  // namespace dmskafka::postgres
