#include "core/settings/source_endpoint.h"

#include <array>

namespace dmskafka {
namespace {

using T = SourceSettings;

constexpr std::array<std::string_view, 3> kPlugins = {"no-preference", "test-decoding", "pglogical"};
constexpr std::array<std::string_view, 3> kLongVarchars = {"wstring", "clob", "nclob"};
constexpr std::string_view kCdc = "change data capture";
constexpr std::string_view kNoSecretsManager =
    "use Username and Password; a password may be ${env:NAME} or ${file:PATH}";

Field<T> not_with_cdc(std::string_view name, std::string_view type, std::string fallback,
                      std::string range = {}) {
  return unused_field<T>(name, type, std::move(fallback), std::move(range)).not_yet(std::string(kCdc));
}

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
      unused_field<T>("MaxFileSize", "integer", "32768")
          .no_effect("it bounds CSV files, which are not written here"),
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
          not_with_cdc("CaptureDdls", "boolean", "true"),
          not_with_cdc("DdlArtifactsSchema", "string", "public"),
          boolean_field<T>(
              "FailTasksOnLobTruncation", DMSKAFKA_MEMBER(fail_tasks_on_lob_truncation),
              "true: a LOB above LobMaxSize stops the task, whatever DataTruncationErrorPolicy says"),
          not_with_cdc("HeartbeatEnable", "boolean", "false"),
          not_with_cdc("HeartbeatSchema", "string", "public"),
          not_with_cdc("HeartbeatFrequency", "integer", "5", "minutes"),
          not_with_cdc("SlotName", "string", ""),
          {{"PluginName", "choice", "pglogical", choices_text(kPlugins), Verdict::kNoEffect,
            "pgoutput is read, which every server has"},
           [](FieldInput& input, T&) { (void)input.choice(kPlugins); }},
          unused_field<T>("fetchCacheSize", "integer", "")
              .no_effect("rows are read as they come, without a cache"),
          unused_field<T>("consumeMonotonicEvents", "boolean", "")
              .no_effect("events always come in the order of the log"),
          unused_field<T>("DisableUnicodeSourceFilter", "boolean", "false").no_effect("nothing is filtered"),
          refused_field<T>("DatabaseMode", "choice", "Babelfish is not supported; leave it out", "default"),
          refused_field<T>("BabelfishDatabaseName", "string", "Babelfish is not supported; leave it out"),
      });
  add(fields, cloud_fields());
  return {"PostgreSQLSettings",
          "The PostgreSQL source endpoint; CloudFormation spells it PostgreSqlSettings.", std::move(fields)};
}

FieldTable<T> make_mysql() {
  std::vector<Field<T>> fields = connection_fields("3306");
  for (const std::string_view name : {"CleanSourceMetadataOnMismatch", "skipTableSuspensionForPartitionDdl",
                                      "IgnoreOpenXaTransactionsCheck"}) {
    fields.push_back(not_with_cdc(name, "boolean", ""));
  }
  fields.push_back(not_with_cdc("EventsPollInterval", "integer", "5", "seconds"));
  fields.push_back(not_with_cdc("ConnectionTimeout", "integer", "10", "seconds"));
  fields.push_back(unused_field<T>("ServerTimezone", "string", "")
                       .no_effect("our sessions run in UTC, so that load and binlog agree"));
  for (const std::string_view name : {"TargetDbType", "ParallelLoadThreads"}) {
    fields.push_back(unused_field<T>(name, "any", "").no_effect("it belongs to MySQL as a target"));
  }
  add(fields, cloud_fields());
  return {"MySQLSettings",
          "The MySQL and MariaDB source endpoint; CloudFormation spells it MySqlSettings. Not built yet: "
          "such a source is "
          "refused by name.",
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
