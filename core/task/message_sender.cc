#include "core/task/message_sender.h"

#include <fmt/format.h>

#include "core/base/logging.h"
#include "core/task/partitioner.h"
#include "core/task/task_progress.h"

namespace dmskafka {
namespace {
// What a thread keeps between messages; a rare huge value is not held on to.
constexpr std::size_t kBufferBytesKept = 4 << 20;
// Enough to find the row again; a key can be as long as a message.
constexpr std::size_t kKeyShownMax = 120;
}  // namespace

Result<void> MessageSender::send(const TablePlan& plan, const Topic& topic, std::span<const Change> changes,
                                 DeliveryTicket& ticket, const std::stop_token& stop) {
  std::uint64_t failed = 0;
  std::uint64_t filtered = 0;
  std::size_t taken = 0;
  Result<void> sent;
  for (; taken < changes.size(); ++taken) {
    if (!plan.selects(changes[taken])) {
      ++filtered;
      continue;
    }
    message_.clear();
    plan.encode(changes[taken], options_.clock.now(), message_);
    failed += message_.failed_expressions;
    if (message_.lost_something() && !account(topic, ticket)) continue;
    sent = send_message(topic, ticket, stop);
    if (!sent) break;
  }
  if (failed != 0) ticket.table->expressions_failed.fetch_add(failed, std::memory_order_relaxed);
  if (filtered != 0) ticket.table->rows_filtered.fetch_add(filtered, std::memory_order_relaxed);
  // Last, since whoever waits for the unit may go on with it at once.
  const std::size_t lost = changes.size() - taken;
  if (lost != 0) ticket.unit->lost(lost);
  if (filtered != 0) ticket.unit->reported(filtered);
  return sent;
}

bool MessageSender::account(const Topic& topic, DeliveryTicket& ticket) {
  TableProgress& table = *ticket.table;
  table.characters_replaced.fetch_add(message_.replaced_characters, std::memory_order_relaxed);
  table.zero_dates.fetch_add(message_.zero_dates, std::memory_order_relaxed);
  if (message_.cut_values == 0) return true;
  const std::uint64_t before = table.values_cut.fetch_add(message_.cut_values, std::memory_order_relaxed);
  const Error reason(
      ErrorCode::kUndelivered,
      fmt::format("{} longer than LobMaxSize", message_.cut_values == 1
                                                   ? std::string("a value is")
                                                   : fmt::format("{} values are", message_.cut_values)));
  // SPEC DataTruncationErrorPolicy LOG_ERROR: "The task continues and the error is written to the task log."
  if (options_.truncation_policy != ErrorPolicy::kLogError) {
    refuse(topic, ticket, reason, true);
    return false;
  }
  if (before == 0) {
    log_error(fmt::format("{}: values are cut, first of the row with key \"{}\": {}; the summary counts them",
                          table.name.text(), message_.key.view().substr(0, kKeyShownMax), reason.message()));
  }
  return true;
}

void MessageSender::refuse(const Topic& topic, DeliveryTicket& ticket, const Error& reason, bool truncated) {
  const OutboundMessage message = outbound(topic, ticket);
  listener_.failed(
      ticket, FailedMessage{topic.name, message.partition, message.key, message.value, reason, truncated});
  message_.clear();
  message_.value.shrink(kBufferBytesKept);
}

OutboundMessage MessageSender::outbound(const Topic& topic, DeliveryTicket& ticket) const {
  OutboundMessage message;
  message.topic = &topic;
  message.key = message_.key.view();
  message.value = message_.value.view();
  message.ticket = &ticket;
  if (topic.partition_count > 0) {
    message.partition = partition_of(options_.partitioner, message.key, topic.partition_count);
  }
  return message;
}

Result<void> MessageSender::send_control(const TablePlan& plan, const Topic& topic,
                                         ControlOperation operation, DeliveryTicket& ticket,
                                         const std::stop_token& stop) {
  message_.clear();
  plan.encode_control(operation, options_.clock.now(), message_);
  return count_and_send(topic, ticket, stop);
}

Result<void> MessageSender::send_alteration(const TablePlan& plan, const Topic& topic, const SchemaStep& step,
                                            DeliveryTicket& ticket, const std::stop_token& stop) {
  message_.clear();
  plan.encode_alteration(step, options_.clock.now(), message_);
  return count_and_send(topic, ticket, stop);
}

Result<void> MessageSender::send_task_message(const Topic& topic, const TaskMessage& message,
                                              DeliveryTicket& ticket, const std::stop_token& stop) {
  message_.clear();
  message_.key.append(message.key);
  message_.value.append(message.value);
  return count_and_send(topic, ticket, stop);
}

Result<void> MessageSender::count_and_send(const Topic& topic, DeliveryTicket& ticket,
                                           const std::stop_token& stop) {
  ticket.unit->sent();
  auto sent = send_message(topic, ticket, stop);
  if (!sent) ticket.unit->lost(1);
  return sent;
}

Result<void> MessageSender::send_change(const TablePlan& plan, const Topic& topic, const Change& change,
                                        DeliveryTicket& ticket, const std::stop_token& stop) {
  const auto leave_out = [&ticket](std::atomic<std::uint64_t>* counter) -> Result<void> {
    if (counter != nullptr) counter->fetch_add(1, std::memory_order_relaxed);
    ticket.unit->reported(1);
    return {};
  };
  if (ticket.table->suspended.load(std::memory_order_relaxed)) return leave_out(nullptr);
  const Disposition disposition = plan.disposition(change);
  if (disposition == Disposition::kLeaveOut) return leave_out(&ticket.table->rows_filtered);
  if (disposition == Disposition::kLeaveOutUnseen) return leave_out(&ticket.table->rows_unseen);
  message_.clear();
  if (disposition == Disposition::kSendAsDelete) {
    plan.encode(deletion_of(change), options_.clock.now(), message_);
  } else {
    plan.encode(change, options_.clock.now(), message_);
  }
  if (message_.failed_expressions != 0) {
    ticket.table->expressions_failed.fetch_add(message_.failed_expressions, std::memory_order_relaxed);
  }
  if (message_.incomplete_keys != 0) {
    ticket.table->keys_incomplete.fetch_add(message_.incomplete_keys, std::memory_order_relaxed);
  }
  if (message_.lost_something() && !account(topic, ticket)) return {};
  auto sent = send_message(topic, ticket, stop);
  if (!sent) ticket.unit->lost(1);
  return sent;
}

Result<void> MessageSender::send_message(const Topic& topic, DeliveryTicket& ticket,
                                         const std::stop_token& stop) {
  const OutboundMessage message = outbound(topic, ticket);
  const std::size_t bytes = message.key.size() + message.value.size();
  // SPEC MessageMaxBytes: "The maximum size in bytes for records created on the endpoint."
  if (bytes > static_cast<std::uint64_t>(options_.message_bytes_max)) {
    const Error reason(ErrorCode::kUndelivered,
                       fmt::format("the message has {} bytes, MessageMaxBytes allows {}", bytes,
                                   options_.message_bytes_max));
    refuse(topic, ticket, reason, false);
    return {};
  }
  DMSKAFKA_TRY(sink_.send(message, stop));
  if (bytes > kBufferBytesKept) {
    message_.clear();
    message_.value.shrink(kBufferBytesKept);
  }
  return {};
}

}  // namespace dmskafka
