#include "cli/input_preview.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <utility>

#include "cli/figures.h"
#include "cli/input_rows.h"
#include "cli/preview.h"
#include "cli/wiring.h"
#include "core/base/logging.h"
#include "core/task/message_sender.h"
#include "core/task/task_progress.h"

namespace dmskafka {
namespace {

/// Messages are either printed, or refused with words.
class PreviewListener final : public DeliveryListener {
 public:
  void delivered(DeliveryTicket& ticket, std::uint64_t messages, std::uint64_t) noexcept override {
    ticket.unit->reported(messages);
  }
  void failed(DeliveryTicket& ticket, const FailedMessage& message) noexcept override {
    failed_.fetch_add(1);
    log_error(fmt::format("{}: the message with key \"{}\" would not be sent: {}", ticket.table->name.text(),
                          message.key.substr(0, 120), message.reason.to_string()));
    ticket.unit->reported(1);
  }
  std::uint64_t failures() const { return failed_.load(); }

 private:
  std::atomic<std::uint64_t> failed_{0};
};

// False: the filters leave it out. An update by which a row leaves the selection becomes its deletion.
bool becomes_message(const TablePlan& plan, Change& change) {
  if (change.operation == Operation::kLoad) return plan.selects(change);
  switch (plan.disposition(change)) {
    case Disposition::kSend: return true;
    case Disposition::kSendAsDelete: change = deletion_of(change); return true;
    case Disposition::kLeaveOut:
    case Disposition::kLeaveOutUnseen: break;
  }
  return false;
}

/// Thread: the command's.
class InputPreview {
 public:
  InputPreview(const CommandContext& context, const TaskInputs& inputs)
      : options_(context.options),
        inputs_(inputs),
        planner_(*inputs.planner, options_.keys),
        stop_(context.signals.token()),
        printing_(preview_printing(context, inputs, planner_)) {}

  Result<void> run(InputPreviewSummary& summary) {
    DMSKAFKA_ASSIGN(InputRows rows, InputRows::open(*options_.rows));
    DMSKAFKA_ASSIGN(sink_, preview_sink_factory(printing_)(listener_));
    auto printed = print(rows, summary);
    auto closed = sink_->close(std::chrono::seconds(60));
    if (!printed) return printed;
    if (!closed) return closed;
    if (listener_.failures() == 0) return {};
    return Error(ErrorCode::kTablesInError,
                 fmt::format("{} would not be sent", counted(listener_.failures(), "message", "messages")));
  }

 private:
  struct Table {
    explicit Table(const TableName& name) : progress(name) {}
    TableProgress progress;
    DeliveryUnit unit;
    DeliveryTicket ticket{&unit, &progress, MessageKind::kData};
    std::shared_ptr<const TableSchema> schema;
    std::unique_ptr<const TablePlan> plan;
    const Topic* topic = nullptr;
    bool selected = false;
    std::uint64_t shown = 0;
  };

  Result<void> print(InputRows& rows, InputPreviewSummary& summary) {
    const WallClock clock = WallClock::from_environment();
    MessageSender::Options sending;
    sending.partitioner = inputs_.task.dmskafka.partitioner;
    sending.clock = clock;
    sending.truncation_policy = inputs_.task.data_truncation_error_policy;
    if (inputs_.target) sending.message_bytes_max = inputs_.target->kafka.message_max_bytes;
    MessageSender sender(*sink_, listener_, sending);
    while (!stop_.stop_requested()) {
      DMSKAFKA_ASSIGN(std::optional<InputRows::Row> row, rows.next(clock.now()));
      if (!row) return {};
      ++summary.rows;
      DMSKAFKA_ASSIGN(Table * table, table_of(*row));
      const bool enough = options_.limit && table->shown >= *options_.limit;
      if (!table->selected || enough || !becomes_message(*table->plan, row->change)) continue;
      planner_.now_sending(row->change.operation);
      ++table->shown;
      ++summary.records;
      table->unit.sent();
      DMSKAFKA_TRY(sender.send(*table->plan, *table->topic, {&row->change, 1}, table->ticket, stop_));
    }
    return Error(ErrorCode::kCancelled, "stopped");
  }

  // The table of a row, planned anew when the row has made it another one.
  Result<Table*> table_of(const InputRows::Row& row) {
    const TableName& name = row.schema->name;
    const auto [found, fresh] = tables_.try_emplace(name, nullptr);
    if (fresh) found->second = std::make_unique<Table>(name);
    Table& table = *found->second;
    if (fresh)
      table.selected = is_wanted(name) && !planner_.select({CatalogTable{name, row.schema->kind}}).empty();
    if (!table.selected || table.schema == row.schema) return &table;
    DMSKAFKA_ASSIGN(table.plan, planner_.plan(row.schema));
    table.schema = row.schema;
    for (const Error& warning : table.plan->warnings()) log_warning(warning.to_string());
    DMSKAFKA_ASSIGN(table.topic, open_topic(table.plan->topic()));
    return &table;
  }

  bool is_wanted(const TableName& name) const {
    return options_.tables.empty() || std::ranges::any_of(options_.tables, [&](const std::string& wanted) {
             return wanted == name.text() || wanted == name.table;
           });
  }

  Result<const Topic*> open_topic(const std::string& name) {
    const auto [found, fresh] = topics_.try_emplace(name, nullptr);
    if (!fresh) return found->second;
    const TopicSpec spec{name, inputs_.task.dmskafka.topic_partitions, std::nullopt, {}};
    DMSKAFKA_ASSIGN(const std::vector<const Topic*> opened, sink_->open_topics({&spec, 1}, stop_));
    return found->second = opened.front();
  }

  const Options& options_;
  const TaskInputs& inputs_;
  PreviewPlanner planner_;
  const std::stop_token stop_;
  const PrintingSinkOptions printing_;
  PreviewListener listener_;
  std::map<TableName, std::unique_ptr<Table>> tables_;  // before the sink, whose reports point into them
  std::map<std::string, const Topic*> topics_;
  std::unique_ptr<Sink> sink_;
};

}  // namespace

Result<void> preview_input(const CommandContext& context, const TaskInputs& inputs,
                           InputPreviewSummary& summary) {
  return InputPreview(context, inputs).run(summary);
}

}  // namespace dmskafka
