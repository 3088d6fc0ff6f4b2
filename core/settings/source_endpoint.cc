#include "core/settings/source_endpoint.h"

#include <fmt/format.h>

#include <array>

namespace dmskafka {
namespace {

using T = SourceSettings;

constexpr std::array<std::string_view, 3> kPlugins = {"no-preference", "test-decoding", "pglogical"};
constexpr std::array<std::string_view, 3> kLongVarchars = {"wstring", "clob", "nclob"};
constexpr std::string_view kNoSecretsManager =
    "use Username and Password; a password may be ${env:NAME} or ${file:PATH}";

constexpr std::string_view kNoCsv = "it bounds CSV files, which are not written here";
constexpr std::array<std::string_view, 2> kTargetDbTypes = {"specific-database", "multiple-databases"};

Field<T> port_field(std::string fallback) {
  return {{"Port", "integer", std::move(fallback), "1 to 65535", Verdict::kHonoured, "the server's port"},
          [](FieldInput& input, T& into) {
            if (const auto port = input.integer(1, 65535)) into.port = static_cast<std::uint16_t>(*port);
          }};
}

std::vector<Field<T>> connection_fields(std::string port) {
  return {
      text_field<T>("ServerName", DMSKAFKA_MEMBER(host), "host name or address"),
      port_field(std::move(port)),
      text_field<T>("Username", DMSKAFKA_MEMBER(username), "who connects"),
      text_field<T>("Password", DMSKAFKA_MEMBER(password), "secret"),
      text_field<T>("DatabaseName", DMSKAFKA_MEMBER(database_name), "the database to read"),
      text_field<T>("AfterConnectScript", DMSKAFKA_MEMBER(after_connect_script),
                    "SQL run on every connection"),
      integer_field<T>("ExecuteTimeout", DMSKAFKA_MEMBER(execute_timeout_s), {1, 86'400},
                       "seconds for catalogue and preflight queries; reading rows has no timeout"),
  };
}

std::vector<Field<T>> cloud_fields() {
  return {
      refused_field<T>("SecretsManagerAccessRoleArn", "string", std::string(kNoSecretsManager)),
      refused_field<T>("SecretsManagerSecretId", "string", std::string(kNoSecretsManager)),
      refused_field<T>("ServiceAccessRoleArn", "string", std::string(kNoSecretsManager)),
      refused_field<T>("AuthenticationMethod", "choice",
                       "only password authentication; use Username and Password", "password"),
      unused_integer<T>("MaxFileSize", "32768", {0, INT64_MAX, "in KB"}).no_effect(std::string(kNoCsv)),
  };
}

void add(std::vector<Field<T>>& to, std::vector<Field<T>> more) {
  for (Field<T>& field : more) to.push_back(std::move(field));
}

FieldTable<T> make_postgres() {
  std::vector<Field<T>> fields = connection_fields("5432");
  add(fields,
      {
          boolean_field<T>("TrimSpaceInChar", DMSKAFKA_MEMBER(trim_space_in_char),
                           "char(n) without its trailing blanks"),
          boolean_field<T>("MapBooleanAsBoolean", DMSKAFKA_MEMBER(map_boolean_as_boolean),
                           "booleans as true and false; otherwise as the strings \"true\" and \"false\""),
          boolean_field<T>("MapUnboundedNumericAsString", DMSKAFKA_MEMBER(map_unbounded_numeric_as_string),
                           "numeric without precision as a string"),
          boolean_field<T>("MapJsonbAsClob", DMSKAFKA_MEMBER(map_jsonb_as_clob), "")
              .no_effect("jsonb is a LOB either way: CLOB or NCLOB, of which messages tell nothing"),
          integer_field<T>("unboundedVarcharMaxSize", DMSKAFKA_MEMBER(unbounded_varchar_max_size),
                           {1, 10'485'760}, "the length that control records give a varchar without one"),
          Field<T>{{"MapLongVarcharAs", "choice", "wstring", choices_text(kLongVarchars), Verdict::kHonoured,
                    "a varchar without a length is a string (wstring) or a LOB (clob, nclob)"},
                   [](FieldInput& input, T& into) {
                     if (const auto index = input.choice(kLongVarchars))
                       into.long_varchar_as_lob = *index != 0;
                   }},
          Field<T>{{"CaptureDdls", "boolean", "true", "", Verdict::kHonoured,
                    "written true: DMS's event trigger awsdms_intercept_ddl and table awsdms_ddl_audit are "
                    "made, which "
                    "takes a superuser, and ALTER and DROP are told at their place in the log; otherwise "
                    "nothing is put "
                    "into the database: an altered table is told with its next change, a dropped one within "
                    "seconds"},
                   [](FieldInput& input, T& into) {
                     if (const auto capture = input.boolean()) into.capture_ddls = *capture;
                   }},
          text_field<T>("DdlArtifactsSchema", DMSKAFKA_MEMBER(ddl_artifacts_schema),
                        "where CaptureDdls puts its table and function"),
          boolean_field<T>(
              "FailTasksOnLobTruncation", DMSKAFKA_MEMBER(fail_tasks_on_lob_truncation),
              "true: a LOB above LobMaxSize stops the task, whatever DataTruncationErrorPolicy says"),
          boolean_field<T>("HeartbeatEnable", DMSKAFKA_MEMBER(heartbeat_enable),
                           "a message in the log now and then while changes are followed; a quiet database "
                           "needs none, since "
                           "log without changes is acknowledged anyway"),
          unused_text<T>("HeartbeatSchema", "public")
              .no_effect("the heartbeat is a message in the log, not a table"),
          integer_field<T>("HeartbeatFrequency", DMSKAFKA_MEMBER(heartbeat_frequency_min), {1, 525'600},
                           "minutes between heartbeats"),
          text_field<T>("SlotName", DMSKAFKA_MEMBER(slot_name),
                        "the replication slot; without it one is made and named after the task"),
          unused_choice<T>("PluginName", "pglogical", kPlugins)
              .no_effect("pgoutput is read, which every server has"),
          unused_integer<T>("fetchCacheSize", "", {0})
              .no_effect("rows are read as they come, without a cache"),
          unused_boolean<T>("consumeMonotonicEvents", "")
              .no_effect("events always come in the order of the log"),
          unused_boolean<T>("DisableUnicodeSourceFilter", "false").no_effect("nothing is filtered"),
          refused_field<T>("DatabaseMode", "choice", "Babelfish is not supported; leave it out", "default"),
          refused_field<T>("BabelfishDatabaseName", "string", "Babelfish is not supported; leave it out"),
      });
  add(fields, cloud_fields());
  return {"PostgreSQLSettings",
          "The PostgreSQL source endpoint; CloudFormation spells it PostgreSqlSettings.", std::move(fields)};
}

FieldTable<T> make_mysql() {
  std::vector<Field<T>> fields = connection_fields("3306");
  add(fields,
      {
          integer_field<T>("ConnectionTimeout", DMSKAFKA_MEMBER(connection_timeout_s), {1, 86'400},
                           "seconds that connecting may take"),
          unused_boolean<T>("CleanSourceMetadataOnMismatch", "false")
              .no_effect(
                  "each definition is checked against the binlog, and read again where it does not fit"),
          unused_integer<T>("EventsPollInterval", "5", {1, 60, "in seconds"})
              .no_effect("the server sends its binlog as it grows; it is never asked"),
          unused_boolean<T>("skipTableSuspensionForPartitionDdl", "false")
              .no_effect("no DDL suspends a table"),
          unused_boolean<T>("IgnoreOpenXaTransactionsCheck", "true")
              .no_effect("open XA transactions do not hold up the start"),
      });
  add(fields,
      {
          unused_text<T>("ServerTimezone", "")
              .no_effect("our sessions run in UTC, so that load and binlog agree"),
          unused_choice<T>("TargetDbType", "", kTargetDbTypes).no_effect("it belongs to MySQL as a target"),
          unused_integer<T>("ParallelLoadThreads", "", {0})
              .no_effect("it belongs to MySQL as a target; for the load it is "
                         "TargetMetadata.ParallelLoadThreads"),
      });
  add(fields, cloud_fields());
  return {"MySQLSettings",
          "The MySQL, MariaDB and Aurora source endpoint; CloudFormation spells it MySqlSettings.",
          std::move(fields)};
}

}  // namespace

const FieldTable<SourceSettings>& postgres_table() {
  static const FieldTable<SourceSettings> table = make_postgres();
  return table;
}

const FieldTable<SourceSettings>& mysql_table() {
  static const FieldTable<SourceSettings> table = make_mysql();
  return table;
}

}  // namespace dmskafka
