#include "core/task/message_sender.h"

#include <fmt/format.h>

#include "core/task/partitioner.h"
#include "core/task/task_progress.h"

namespace dmskafka {
namespace {
// What a thread keeps between messages; a rare huge value is not held on to.
constexpr std::size_t kBufferBytesKept = 4 << 20;
}  // namespace

Result<void> MessageSender::send(const TablePlan& plan, const Topic& topic, std::span<const Change> changes,
                                 DeliveryTicket& ticket, const std::stop_token& stop) {
  std::uint64_t replaced = 0;
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
    replaced += message_.replaced_characters;
    failed += message_.failed_expressions;
    sent = send_message(topic, ticket, stop);
    if (!sent) break;
  }
  if (replaced != 0) ticket.table->characters_replaced.fetch_add(replaced, std::memory_order_relaxed);
  if (failed != 0) ticket.table->expressions_failed.fetch_add(failed, std::memory_order_relaxed);
  if (filtered != 0) ticket.table->rows_filtered.fetch_add(filtered, std::memory_order_relaxed);
  // Last, since whoever waits for the unit may go on with it at once.
  const std::size_t lost = changes.size() - taken;
  if (lost != 0) ticket.unit->lost(lost);
  if (filtered != 0) ticket.unit->reported(filtered);
  return sent;
}

Result<void> MessageSender::send_control(const TablePlan& plan, const Topic& topic,
                                         ControlOperation operation, DeliveryTicket& ticket,
                                         const std::stop_token& stop) {
  message_.clear();
  plan.encode_control(operation, nullptr, options_.clock.now(), message_);
  ticket.unit->sent();
  auto sent = send_message(topic, ticket, stop);
  if (!sent) ticket.unit->lost(1);
  return sent;
}

Result<void> MessageSender::send_message(const Topic& topic, DeliveryTicket& ticket,
                                         const std::stop_token& stop) {
  OutboundMessage message;
  message.topic = &topic;
  message.key = message_.key.view();
  message.value = message_.value.view();
  message.ticket = &ticket;
  if (topic.partition_count > 0) {
    message.partition = partition_of(options_.partitioner, message.key, topic.partition_count);
  }
  const std::size_t bytes = message.key.size() + message.value.size();
  // SPEC MessageMaxBytes: "The maximum size in bytes for records created on the endpoint."
  if (bytes > static_cast<std::uint64_t>(options_.message_bytes_max)) {
    const Error reason(ErrorCode::kUndelivered,
                       fmt::format("the message has {} bytes, MessageMaxBytes allows {}", bytes,
                                   options_.message_bytes_max));
    listener_.failed(ticket,
                     FailedMessage{topic.name, message.partition, message.key, message.value, reason});
    message_.clear();
    message_.value.shrink(kBufferBytesKept);
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
