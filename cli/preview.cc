#include "cli/preview.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <utility>

#include "cli/screen.h"
#include "cli/wiring.h"
#include "core/base/logging.h"
#include "core/task/task_progress.h"

namespace dmskafka {
namespace {

/// A plan that selects the rows of some keys. The rest is the plan's own.
class KeyedPlan final : public TablePlan {
 public:
  KeyedPlan(std::unique_ptr<const TablePlan> plan, const std::set<std::string>& keys)
      : plan_(std::move(plan)), keys_(keys) {}

  const TableSchema& schema() const override { return plan_->schema(); }
  const std::string& topic() const override { return plan_->topic(); }
  const TableName& target_name() const override { return plan_->target_name(); }
  const TableSchema& shown_schema() const override { return plan_->shown_schema(); }
  ParallelLoad parallel_load() const override { return plan_->parallel_load(); }
  const RowCondition& condition() const override { return plan_->condition(); }
  PlanOutline outline() const override { return plan_->outline(); }
  std::vector<Error> warnings() const override { return plan_->warnings(); }
  std::vector<std::string> remarks() const override { return plan_->remarks(); }
  void encode(const Change& change, WallTime now, EncodedMessage& out) const override {
    plan_->encode(change, now, out);
  }
  void encode_control(ControlOperation operation, WallTime now, EncodedMessage& out) const override {
    plan_->encode_control(operation, now, out);
  }

  bool selects(const Change& change) const override { return plan_->selects(change) && has_key(change); }
  Disposition disposition(const Change& change) const override {
    const Disposition disposition = plan_->disposition(change);
    switch (disposition) {
      case Disposition::kSend: return has_key(change) ? disposition : Disposition::kLeaveOut;
      case Disposition::kSendAsDelete:
        return has_key(deletion_of(change)) ? disposition : Disposition::kLeaveOut;
      case Disposition::kLeaveOut:
      case Disposition::kLeaveOutUnseen: break;
    }
    return disposition;
  }

 private:
  bool has_key(const Change& change) const {
    MutexLock lock(mutex_);
    message_.clear();
    plan_->encode(change, WallTime(), message_);
    return keys_.contains(std::string(message_.key.view()));
  }

  const std::unique_ptr<const TablePlan> plan_;
  const std::set<std::string>& keys_;
  mutable Mutex mutex_;
  mutable EncodedMessage message_ GUARDED_BY(mutex_);
};

std::string_view partitioner_name(Partitioner partitioner) {
  switch (partitioner) {
    case Partitioner::kMurmur2Random: return "murmur2_random";
    case Partitioner::kConsistentRandom: return "consistent_random";
  }
  return "";
}

// Who told how many partitions the topics have.
std::string_view partitions_decided_by(const Options& options, const TaskInputs& inputs) {
  if (options.partitions) return "--partitions";
  if (inputs.task.dmskafka.topic_partitions) return "Topic.Partitions";
  return "the broker";
}

MessageReasons reasons_of(const OutboundMessage& message, const PreviewPlanner& planner,
                          std::string_view partitions_by, Partitioner partitioner) {
  const PlanOutline outline = planner.outline_of(message.ticket->table->name);
  const bool control = message.ticket->kind == MessageKind::kControl;
  MessageReasons reasons;
  reasons.topic = outline.topic_decided_by;
  reasons.partition =
      message.partition < 0
          ? "unknown: no --partitions, no Topic.Partitions, and no broker that has the topic"
          : fmt::format("{} of the key over {} partitions ({})", partitioner_name(partitioner),
                        message.topic->partition_count, partitions_by);
  if (control) {
    reasons.key = "control records: the task's id and the table's name";
    reasons.value = "control record";
    return reasons;
  }
  reasons.key = (planner.sends_changes() ? outline.change_key : outline.load_key).decided_by;
  reasons.value = outline.value_decided_by;
  return reasons;
}

// 0 for topics that are not there yet, and for all when no broker answers.
std::vector<std::int32_t> ask_broker(std::span<const TopicSpec> topics, const TaskInputs& inputs,
                                     const std::stop_token& stop) {
  auto counts = partition_counts(*inputs.target, inputs.task, inputs.task_id, topics, stop);
  if (counts) return std::move(counts).value();
  if (counts.error().code() != ErrorCode::kCancelled) {
    log_warning(fmt::format("partitions are not shown: {}", counts.error().to_string()));
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<const TablePlan>> PreviewPlanner::plan(
    std::shared_ptr<const TableSchema> schema) const {
  DMSKAFKA_ASSIGN(std::unique_ptr<const TablePlan> plan, planner_.plan(std::move(schema)));
  {
    MutexLock lock(mutex_);
    outlines_.insert_or_assign(plan->schema().name, plan->outline());
  }
  if (keys_.empty()) return plan;
  return std::unique_ptr<const TablePlan>(std::make_unique<KeyedPlan>(std::move(plan), keys_));
}

PlanOutline PreviewPlanner::outline_of(const TableName& table) const {
  MutexLock lock(mutex_);
  const auto found = outlines_.find(table);
  return found == outlines_.end() ? PlanOutline() : found->second;
}

PrintingSinkOptions preview_printing(const CommandContext& context, const TaskInputs& inputs,
                                     const PreviewPlanner& planner) {
  const Options& options = context.options;
  const Terminal terminal = terminal_of(STDOUT_FILENO);
  PrintingSinkOptions printing;
  printing.stream = stdout;
  const bool pretty = options.format == OutputFormat::kPretty ||
                      (options.format == OutputFormat::kAuto && terminal.is_terminal);
  printing.format = pretty ? PrintFormat::kPretty : PrintFormat::kNdjson;
  printing.colours = terminal.colours;
  printing.partitions = options.partitions ? options.partitions : inputs.task.dmskafka.topic_partitions;
  if (inputs.target && inputs.target->kind == TargetKind::kKafka) {
    printing.ask_partitions = [&inputs, stop = context.signals.token()](std::span<const TopicSpec> topics) {
      return ask_broker(topics, inputs, stop);
    };
  }
  printing.reasons = [&planner, by = partitions_decided_by(options, inputs),
                      partitioner = inputs.task.dmskafka.partitioner](const OutboundMessage& message) {
    return reasons_of(message, planner, by, partitioner);
  };
  return printing;
}

}  // namespace dmskafka
