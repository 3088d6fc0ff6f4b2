#include "sources/postgres/ddl_capture.h"

#include <fmt/format.h>

#include <charconv>
#include <utility>

#include "core/base/logging.h"
#include "sources/postgres/identifier.h"
#include "sources/postgres/native_error.h"
#include "sources/postgres/sql/queries.h"

namespace dmskafka::postgres {
namespace {

constexpr std::string_view kOurComment = "dmskafka: captures DDL, version 1";
constexpr std::string_view kSchemaMark = "@schema@";
constexpr std::string_view kInsufficientPrivilege = "42501";

std::string statements_in(std::string_view schema) {
  std::string text(kDdlArtifactsSql);
  const std::string quoted = quote_identifier(schema);
  for (std::size_t at = text.find(kSchemaMark); at != std::string::npos; at = text.find(kSchemaMark, at)) {
    text.replace(at, kSchemaMark.size(), quoted);
    at += quoted.size();
  }
  return text;
}

/// One text is one transaction. nullopt: done.
Result<std::optional<NativeError>> run(Connection& connection, const std::string& statements,
                                       const std::stop_token& stop) {
  DMSKAFKA_ASSIGN(Connection::Outcome outcome, connection.run(statements, std::chrono::seconds(60), stop));
  if (!outcome.failure) return std::optional<NativeError>();
  DMSKAFKA_TRY(connection.run("ROLLBACK", std::chrono::seconds(60), stop));
  return std::move(outcome.failure);
}

}  // namespace

Result<std::optional<DdlCapture>> read_ddl_capture(Connection& connection, const std::stop_token& stop) {
  DMSKAFKA_ASSIGN(const QueryResult rows,
                  connection.query(kDdlCaptureSql, {std::string(kDdlAuditTable)}, stop));
  if (rows.rows() == 0) return std::optional<DdlCapture>();
  DdlCapture capture;
  capture.ours = !rows.is_null(0, 0) && rows.text(0, 0) == kOurComment;
  capture.enabled = rows.boolean(0, 1);
  capture.schema = rows.text(0, 2);
  const std::string_view oid = rows.text(0, 3);
  std::from_chars(oid.data(), oid.data() + oid.size(), capture.table);
  std::string_view names = rows.text(0, 4);
  while (!names.empty()) {
    const std::size_t end = std::min(names.find(' '), names.size());
    capture.publications.emplace_back(names.substr(0, end));
    names.remove_prefix(std::min(end + 1, names.size()));
  }
  return std::optional<DdlCapture>(std::move(capture));
}

Result<void> ensure_ddl_capture(Connection& connection, const SourceSettings& settings,
                                const std::stop_token& stop) {
  if (!settings.capture_ddls) return {};
  DMSKAFKA_ASSIGN(const auto there, read_ddl_capture(connection, stop));
  if (there && !there->ours) {
    log_warning(
        "CaptureDdls: the event trigger awsdms_intercept_ddl is not ours, and is left alone; an altered "
        "table is seen with its "
        "next change");
    return {};
  }
  if (there && there->enabled && there->table != 0 && there->schema == settings.ddl_artifacts_schema)
    return {};
  DMSKAFKA_ASSIGN(const auto failure, run(connection, statements_in(settings.ddl_artifacts_schema), stop));
  if (!failure) {
    log_info(
        fmt::format("CaptureDdls: DDL is captured by the event trigger awsdms_intercept_ddl, through {}.{}",
                    settings.ddl_artifacts_schema, kDdlAuditTable));
    return {};
  }
  if (failure->sqlstate != kInsufficientPrivilege)
    return query_error(*failure).while_doing("making what captures DDL");
  log_warning(
      fmt::format("CaptureDdls: {}; an event trigger takes a superuser. Without it an altered table is seen "
                  "with its next change, and a "
                  "dropped one within seconds; CaptureDdls false says no more of it",
                  failure->message));
  return {};
}

Result<void> drop_ddl_capture(Connection& connection, const DdlCapture& capture,
                              const std::stop_token& stop) {
  const std::string schema = quote_identifier(capture.schema);
  DMSKAFKA_ASSIGN(
      const auto failure,
      run(connection,
          fmt::format("DROP EVENT TRIGGER IF EXISTS awsdms_intercept_ddl; DROP EVENT TRIGGER IF EXISTS "
                      "awsdms_intercept_drop; DROP FUNCTION IF EXISTS {0}.awsdms_intercept_ddl(); DROP "
                      "TABLE IF EXISTS {0}.{1};",
                      schema, kDdlAuditTable),
          stop));
  if (failure) return query_error(*failure).while_doing("dropping what captures DDL");
  return {};
}

}  // namespace dmskafka::postgres
