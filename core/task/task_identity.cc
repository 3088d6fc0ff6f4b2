#include "core/task/task_identity.h"

#include <fmt/format.h>

#include <string>
#include <string_view>

namespace dmskafka {
namespace {

Error refuse(std::string_view what, std::string_view was, std::string_view is) {
  return Error(ErrorCode::kStateFile,
               fmt::format("the state file belongs to another {}: it has {}, this run has {}", what, was, is))
      .hint("use another --state file, or --restart to discard what it holds and load again");
}

std::string text(const SourceIdentity& source) {
  const std::string_view blank = source.database.empty() ? "" : " ";
  return fmt::format("{} {}{}{}", source.kind, source.server, blank, source.database);
}

}  // namespace

Result<void> check_same_task(const TaskRecord& before, const TaskRecord& now, OtherServer other_server) {
  if (before.task_id != now.task_id) return refuse("task", before.task_id, now.task_id);
  SourceIdentity source = now.source;
  if (other_server == OtherServer::kIfLogMoves && source.log_moves) source.server = before.source.server;
  if (before.source != source) return refuse("source", text(before.source), text(now.source));
  if (before.target != now.target) return refuse("target", before.target, now.target);
  if (before.mapping_digest != now.mapping_digest) {
    return Error(ErrorCode::kStateFile,
                 "the table mapping or a setting that shapes messages changed since this task began; "
                 "the tables already loaded have the old shape")
        .hint("put the old mapping back, or use --restart to load everything again");
  }
  return {};
}

}  // namespace dmskafka
