#include "sources/postgres/session_settings.h"

namespace dmskafka::postgres {

const std::vector<SessionSetting>& session_settings() {
  static const std::vector<SessionSetting> settings = {
      // The text of values.
      {"client_encoding", "UTF8", 0},
      {"DateStyle", "ISO,MDY", 0},
      {"IntervalStyle", "postgres", 0},
      {"TimeZone", "UTC", 0},
      {"extra_float_digits", "3",
       0},  // needed up to 11; later any positive value gives the shortest exact text
      {"bytea_output", "hex", 0},
      {"lc_monetary", "C", 0},
      {"xmlbinary", "base64", 0},
      {"search_path", "pg_catalog",
       0},  // reg… types then print qualified, and no function of ours is shadowed
      // Waiting: a load may last for days, a lock may not.
      {"statement_timeout", "0", 0},
      {"lock_timeout", "10s", 0},
      {"idle_in_transaction_session_timeout", "0", 0},
      {"idle_session_timeout", "0", 140000},
      {"transaction_timeout", "0", 170000},
      // Rows: a policy then is an error instead of a silent filter, and a table is read in its own order.
      {"row_security", "off", 0},
      {"synchronize_seqscans", "off", 0},
      // A plain scan gains nothing from these.
      {"max_parallel_workers_per_gather", "0", 0},
      {"jit", "off", 110000},
  };
  return settings;
}

std::string startup_options() {
  std::string options;
  for (const SessionSetting& setting : session_settings()) {
    if (setting.since_version != 0) continue;
    if (!options.empty()) options += ' ';
    options += std::string("-c ") + setting.name + "=" + setting.value;
  }
  return options;
}

std::string client_encoding(const std::string& server_encoding) {
  return server_encoding == "SQL_ASCII" ? server_encoding : "UTF8";
}

std::string settings_statement(int server_version, const std::string& server_encoding, SettingsScope scope) {
  std::string statement;
  const auto add = [&](const std::string& name, const std::string& value) {
    statement += statement.empty() ? "SELECT " : ", ";
    statement += "pg_catalog.set_config('" + name + "', '" + value + "', false)";
  };
  for (const SessionSetting& setting : session_settings()) {
    if (setting.since_version > server_version) continue;
    if (setting.since_version == 0 && scope == SettingsScope::kVersionDependent) continue;
    add(setting.name, setting.value);
  }
  if (client_encoding(server_encoding) != "UTF8") add("client_encoding", client_encoding(server_encoding));
  return statement;
}

}  // namespace dmskafka::postgres
