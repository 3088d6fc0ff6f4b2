#pragma once
#include <string>
#include <vector>

namespace dmskafka::postgres {

/// A setting of a server session that our reading depends on.
struct SessionSetting {
  const char* name;
  const char* value;
  int since_version;  ///< As PQserverVersion(): 140000. 0: every version we support (10 and newer).
};

/// All of them, for load and log alike, so that both see one text for one value.
const std::vector<SessionSetting>& session_settings();

/// "-c DateStyle=ISO,MDY …" for the connection parameter `options`. What is set there wins over the defaults of role and
/// database. An unknown name refuses the connection, so only what every version knows is in it.
std::string startup_options();

/// One SELECT that sets what a server of `server_version` knows beyond startup_options(), "" when that is nothing.
/// kAll: the settings of startup_options() too, after a script of the user's may have changed them.
enum class SettingsScope : bool { kVersionDependent, kAll };
std::string settings_statement(int server_version, const std::string& server_encoding, SettingsScope scope);

/// UTF8, but SQL_ASCII of a database that does not know its own encoding: asked for UTF8, its server would refuse every
/// row with bytes that are not.
std::string client_encoding(const std::string& server_encoding);

}  // namespace dmskafka::postgres
