#include <fmt/format.h>

#include "core/settings/endpoint_document.h"
#include "core/settings/endpoint_url.h"
#include "core/settings/settings_reader.h"

namespace dmskafka {
namespace {

void take(Result<void> result, std::string_view flag, Problems& problems) {
  if (!result) problems.errors.push_back(result.error().while_doing(std::string(flag)));
}

std::optional<JsonDocument> opened(std::string_view argument, std::string_view flag, Problems& problems) {
  Result<JsonDocument> document = open_json_argument(argument, flag);
  if (!document) {
    problems.errors.push_back(document.error());
    return std::nullopt;
  }
  if (document->had_byte_order_mark()) {
    problems.warnings.push_back(Error(ErrorCode::kInvalidSettings, "the text begins with a byte order mark")
                                    .at(document->root().location()));
  }
  return std::move(document).value();
}

std::string host_text(const std::string& host) {
  return host.find(':') == std::string::npos ? host : fmt::format("[{}]", host);
}

}  // namespace

std::string SourceSettings::display_name() const {
  if (kind == SourceKind::kSqlite) return "sqlite:" + file;
  const std::string_view scheme = kind == SourceKind::kPostgres ? "postgresql"
                                  : kind == SourceKind::kMysql  ? "mysql"
                                                                : "mariadb";
  const std::string user = username.empty() ? "" : username + "@";
  const std::string port_text = port == 0 ? "" : fmt::format(":{}", port);
  return fmt::format("{}://{}{}{}/{}", scheme, user, host_text(host), port_text, database_name);
}

std::string TargetSettings::display_name() const {
  switch (kind) {
    case TargetKind::kKafka: return fmt::format("kafka://{}/{}", fmt::join(kafka.brokers, ","), kafka.topic);
    case TargetKind::kEmbedded: return "kafka:embedded";
    case TargetKind::kStdout: return "-";
    case TargetKind::kDiscard: return "discard:";
  }
  return "";
}

SourceSettings read_source_settings(std::string_view argument, Problems& problems, SourceKind bare) {
  SourceSettings settings;
  if (is_source_url(argument)) {
    take(parse_source_url(argument, settings), "--source", problems);
  } else if (const auto document = opened(argument, "--source", problems)) {
    read_source_document(document->root(), bare, settings, problems);
  }
  return settings;
}

TargetSettings read_target_settings(std::string_view argument, Problems& problems) {
  TargetSettings settings;
  if (is_target_url(argument)) {
    take(parse_target_url(argument, settings), "--target", problems);
  } else if (const auto document = opened(argument, "--target", problems)) {
    read_target_document(document->root(), settings, problems);
  }
  return settings;
}

}  // namespace dmskafka
