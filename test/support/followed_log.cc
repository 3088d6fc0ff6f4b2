#include "test/support/followed_log.h"

#include <fmt/format.h>

#include <stdexcept>
#include <utility>

namespace dmskafka::testing {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kPatience{30};

std::string row_text(RowView row) {
  std::string text;
  for (const Value& value : row) {
    if (!text.empty()) text += ", ";
    switch (value.form()) {
      case ValueForm::kAbsent: text += "-"; break;
      case ValueForm::kUnchanged: text += "~"; break;
      case ValueForm::kNull: text += "NULL"; break;
      default:
        text += value.view().size() > 60 ? fmt::format("<{} bytes>", value.view().size())
                                         : std::string(value.view());
    }
  }
  return "{" + text + "}";
}

}  // namespace

std::string describe_change(const Change& change) {
  const char* operation = "load";
  if (change.operation == Operation::kInsert) operation = "insert";
  if (change.operation == Operation::kUpdate) operation = "update";
  if (change.operation == Operation::kDelete) operation = "delete";
  return fmt::format("{} {} {} {}", operation, change.table->name.text(), row_text(change.before),
                     row_text(change.after));
}

std::string describe_event(const LogEvent& event) {
  switch (event.kind) {
    case LogEventKind::kChanges: return "changes";
    case LogEventKind::kCommit: return "commit";
    case LogEventKind::kIdle: return "idle";
    case LogEventKind::kTruncate: return "truncate " + event.schema->name.text();
    case LogEventKind::kDropTable: return "drop " + event.schema->name.text();
    case LogEventKind::kRenameTable:
      return "rename " + event.old_schema->name.text() + " -> " + event.schema->name.text();
    case LogEventKind::kTable: break;
  }
  std::string columns;
  for (std::uint32_t i = 0; i < event.schema->columns.size(); ++i) {
    const ColumnSchema& column = event.schema->columns[i];
    columns += fmt::format("{}{}{} {}", columns.empty() ? "" : ", ", column.name,
                           event.schema->is_key_column(i) ? "*" : "", column.source_type);
  }
  return fmt::format("table {} ({})", event.schema->name.text(), columns);
}

FollowedLog::FollowedLog(std::unique_ptr<Source> opened, const std::vector<TableName>& table_names,
                         const std::string& task_id)
    : source(std::move(opened)), names(table_names) {
  const auto found = source->change_log(task_id);
  if (!found) throw std::runtime_error(found.error().to_string());
  log = *found;
  describe_again();
}

void FollowedLog::describe_again() {
  schemas.clear();
  auto described = source->describe_tables(names);
  if (!described) throw std::runtime_error(described.error().to_string());
  for (auto& schema : *described) {
    if (!schema) throw std::runtime_error(schema.error().to_string());
    schemas.push_back(std::make_shared<const TableSchema>(std::move(schema).value()));
  }
}

std::vector<PreflightFinding> FollowedLog::preflight() {
  std::vector<const TableSchema*> tables;
  for (const auto& schema : schemas) tables.push_back(schema.get());
  auto findings = log->preflight(tables);
  if (!findings) throw std::runtime_error(findings.error().to_string());
  return std::move(findings).value();
}

ChangeLog::Prepared FollowedLog::prepare(ChangeLog::WithSnapshot snapshot) {
  std::vector<const TableSchema*> tables;
  for (const auto& schema : schemas) tables.push_back(schema.get());
  auto prepared = log->prepare(tables, snapshot, {});
  if (!prepared) throw std::runtime_error(prepared.error().to_string());
  return std::move(prepared).value();
}

void FollowedLog::start() { open(prepare(ChangeLog::WithSnapshot::kNo).start); }

Result<std::unique_ptr<ChangeStream>> FollowedLog::try_open(const LogPosition& from) {
  return log->open_stream({schemas, schemas}, from, {});
}

void FollowedLog::open(const LogPosition& from) {
  stream.reset();
  auto opened = try_open(from);
  if (!opened) throw std::runtime_error(opened.error().to_string());
  stream = std::move(opened).value();
  position = from;
}

bool FollowedLog::read_once(std::vector<std::string>& lines, std::chrono::milliseconds wait) {
  LogBatch batch;
  if (const auto read = stream->read(batch, wait, {}); !read)
    throw std::runtime_error(read.error().to_string());
  const auto is_ours = [this](const TableSchema& table) {
    return only_schema.empty() || table.name.schema == only_schema;
  };
  for (const LogEvent& event : batch.events()) {
    if (event.kind == LogEventKind::kIdle) {
      ++idle_events;
    } else if (event.kind == LogEventKind::kChanges) {
      for (const Change& change :
           std::as_const(batch).rows().changes().subspan(event.changes_begin, event.changes_count)) {
        if (!is_ours(*change.table)) continue;
        lines.push_back(describe_change(change));
        positions.emplace_back(change.stream_position);
        transactions.push_back(change.transaction->id);
      }
    } else if (event.schema == nullptr || is_ours(*event.schema)) {
      lines.push_back(describe_event(event));
    }
    if (!event.position.empty()) position = event.position;
  }
  return !batch.empty();
}

std::vector<std::string> FollowedLog::follow() {
  const auto end = log->current_end();
  if (!end) throw std::runtime_error(end.error().to_string());
  std::vector<std::string> lines;
  const auto until = Clock::now() + kPatience;
  while (position < *end) {
    (void)read_once(lines, std::chrono::milliseconds(100));
    if (Clock::now() > until) throw std::runtime_error("the log's end was not reached: " + position.text);
  }
  // Marks of our own, and transactions of nothing that is followed.
  std::vector<std::string> told;
  for (std::string& line : lines) {
    if (line != "commit" || (!told.empty() && told.back() != "commit")) told.push_back(std::move(line));
  }
  return told;
}

std::vector<std::string> FollowedLog::changes() {
  std::vector<std::string> lines = follow();
  std::erase(lines, "commit");
  return lines;
}

}  // namespace dmskafka::testing
