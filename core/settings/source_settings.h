#pragma once
#include <cstdint>
#include <string>

namespace dmskafka {

enum class SourceKind : std::uint8_t { kPostgres, kMysql, kMariadb, kSqlite };
enum class SslMode : std::uint8_t { kUnset, kNone, kRequire, kVerifyCa, kVerifyFull };

/// A source endpoint, whichever way it was given (JSON or URL). Checked when read. Which members have a meaning depends
/// on `kind`; docs/settings.md says which setting fills which.
struct SourceSettings {
  SourceKind kind = SourceKind::kPostgres;
  std::string host;
  std::uint16_t port = 0;  ///< 0: the engine's own default
  std::string username;
  std::string password;                ///< secret
  std::string database_name;           ///< PostgreSQL and MySQL
  std::string file;                    ///< SQLite: path of the database
  SslMode ssl_mode = SslMode::kUnset;  ///< kUnset: none, except what a URL's own sslmode says
  std::string ca_certificate;          ///< file path
  std::string after_connect_script;
  std::int64_t connection_timeout_s = 10;  ///< MySQL
  std::int64_t execute_timeout_s =
      60;  ///< catalogue and preflight queries; rows have no timeout; MySQL's log, which has heartbeats
  bool trim_space_in_char = true;
  bool map_boolean_as_boolean = false;
  bool map_unbounded_numeric_as_string = false;
  bool map_jsonb_as_clob = false;
  bool long_varchar_as_lob = false;  ///< MapLongVarcharAs clob or nclob
  bool fail_tasks_on_lob_truncation = false;
  std::int64_t unbounded_varchar_max_size = 8000;
  std::string slot_name;          ///< PostgreSQL: "": named after the task
  bool heartbeat_enable = false;  ///< PostgreSQL
  std::int64_t heartbeat_frequency_min = 5;
  bool capture_ddls = false;  ///< PostgreSQL: only where the endpoint itself says so
  std::string ddl_artifacts_schema = "public";
  /// Further libpq parameters of a URL's query, already checked: "key='value' …"; "" if none. May hold secrets.
  std::string url_parameters;

  /// "postgresql://user@host:port/database", without the password: for messages and the state file.
  std::string display_name() const;
};

}  // namespace dmskafka
