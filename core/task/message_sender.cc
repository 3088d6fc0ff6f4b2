#include "core/task/message_sender.h"

#include <fmt/format.h>

#include <utility>

#include "core/base/logging.h"
#include "core/task/partitioner.h"
#include "core/task/task_progress.h"

namespace dmskafka {
namespace {
// What a thread keeps between messages; a rare huge value is not held on to.
constexpr std::size_t kBufferBytesKept = 4 << 20;
// The messages of a portion wait in the processor's cache until they are sent together.
constexpr std::size_t kPortionMessages = 32;
// A lane's buffer (ParallelLoadBufferSize) goes as one: a second portion would cost more than the cache brings.
constexpr std::size_t kWholeMessages = 64;
constexpr std::size_t kPortionBytes = 64 << 10;
// Enough to find the row again; a key can be as long as a message.
constexpr std::size_t kKeyShownMax = 120;
}  // namespace

Result<void> MessageSender::send(const TablePlan& plan, const Topic& topic, std::span<const Change> changes,
                                 DeliveryTicket& ticket, const std::stop_token& stop) {
  const std::size_t portion_max = changes.size() <= kWholeMessages ? kWholeMessages : kPortionMessages;
  std::uint64_t failed = 0;
  std::uint64_t filtered = 0;
  std::size_t seen = 0;
  Result<void> sent;
  for (const Change& change : changes) {
    ++seen;
    if (!plan.selects(change)) {
      ++filtered;
      continue;
    }
    message_.clear();
    plan.encode(change, options_.clock.now(), message_);
    failed += message_.failed_expressions;
    const bool whole = !message_.lost_something() || account(topic, ticket);
    if (!whole || !allowed(topic, ticket)) continue;
    add_to_portion(topic, ticket);
    if (portion_size_ < portion_max && portion_bytes_ < kPortionBytes) continue;
    sent = send_taken(stop);
    if (!sent) break;
  }
  if (sent) sent = send_taken(stop);
  if (failed != 0) ticket.table->expressions_failed.fetch_add(failed, std::memory_order_relaxed);
  if (filtered != 0) ticket.table->rows_filtered.fetch_add(filtered, std::memory_order_relaxed);
  // Last, since whoever waits for the unit may go on with it at once.
  if (seen != changes.size()) ticket.unit->lost(changes.size() - seen);
  if (filtered != 0) ticket.unit->reported(filtered);
  return sent;
}

void MessageSender::add_to_portion(const Topic& topic, DeliveryTicket& ticket) {
  if (portion_size_ == portion_.size()) portion_.emplace_back();
  Waiting& waiting = portion_[portion_size_++];
  std::swap(waiting.key, message_.key);
  std::swap(waiting.value, message_.value);
  waiting.topic = &topic;
  waiting.ticket = &ticket;
  portion_bytes_ += waiting.key.size() + waiting.value.size();
}

Result<void> MessageSender::send_taken(const std::stop_token& stop) {
  if (portion_size_ == 0) return {};
  outbound_.clear();
  const std::span<Waiting> waiting = std::span(portion_).first(portion_size_);
  for (const Waiting& message : waiting) {
    outbound_.push_back(outbound(*message.topic, *message.ticket, message.key, message.value));
  }
  std::size_t taken = 0;
  const auto sent = sink_.send_all(outbound_, taken, stop);
  for (const Waiting& message : waiting.subspan(taken)) message.ticket->unit->lost(1);
  // The last one is what the portion ended for: where rows are large, it is the only one.
  for (Waiting& message : waiting) {
    message.key.clear();
    message.value.clear();
    message.value.shrink(&message == &waiting.back() ? kBufferBytesKept : kPortionBytes);
  }
  // The next message is written where the last one was.
  std::swap(waiting.back().key, message_.key);
  std::swap(waiting.back().value, message_.value);
  portion_size_ = 0;
  portion_bytes_ = 0;
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
  const OutboundMessage message = outbound(topic, ticket, message_.key, message_.value);
  listener_.failed(
      ticket, FailedMessage{topic.name, message.partition, message.key, message.value, reason, truncated});
  message_.clear();
  message_.value.shrink(kBufferBytesKept);
}

OutboundMessage MessageSender::outbound(const Topic& topic, DeliveryTicket& ticket, const ByteBuffer& key,
                                        const ByteBuffer& value) const {
  OutboundMessage message;
  message.topic = &topic;
  message.key = key.view();
  message.value = value.view();
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

Result<void> MessageSender::take_change(const TablePlan& plan, const Topic& topic, const Change& change,
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
  if (portion_size_ != 0 && portion_[portion_size_ - 1].topic != &topic) {
    if (auto sent = send_taken(stop); !sent) {
      ticket.unit->lost(1);
      return sent;
    }
  }
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
  if (!allowed(topic, ticket)) return {};
  add_to_portion(topic, ticket);
  if (portion_size_ < kWholeMessages && portion_bytes_ < kPortionBytes) return {};
  return send_taken(stop);
}

bool MessageSender::allowed(const Topic& topic, DeliveryTicket& ticket) {
  const std::size_t bytes = message_.key.size() + message_.value.size();
  // SPEC MessageMaxBytes: "The maximum size in bytes for records created on the endpoint."
  if (bytes <= static_cast<std::uint64_t>(options_.message_bytes_max)) return true;
  const Error reason(
      ErrorCode::kUndelivered,
      fmt::format("the message has {} bytes, MessageMaxBytes allows {}", bytes, options_.message_bytes_max));
  refuse(topic, ticket, reason, false);
  return false;
}

Result<void> MessageSender::send_message(const Topic& topic, DeliveryTicket& ticket,
                                         const std::stop_token& stop) {
  if (!allowed(topic, ticket)) return {};
  DMSKAFKA_TRY(sink_.send(outbound(topic, ticket, message_.key, message_.value), stop));
  if (message_.value.size() > kBufferBytesKept) {
    message_.clear();
    message_.value.shrink(kBufferBytesKept);
  }
  return {};
}

}  // namespace dmskafka
