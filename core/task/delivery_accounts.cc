#include "core/task/delivery_accounts.h"

#include <fmt/format.h>

#include <exception>

#include "core/base/logging.h"

namespace dmskafka {
namespace {

// Enough to find the row again; a key can be as long as a message.
constexpr std::size_t kKeyShownMax = 120;

std::string describe(const FailedMessage& message) {
  return fmt::format("key \"{}\"{}, {} bytes, topic {}: {}", message.key.substr(0, kKeyShownMax),
                     message.key.size() > kKeyShownMax ? "…" : "", message.key.size() + message.value.size(),
                     message.topic, message.reason.message());
}

}  // namespace

void DeliveryAccounts::delivered(DeliveryTicket& ticket, std::uint64_t messages,
                                 std::uint64_t bytes) noexcept {
  if (ticket.table != nullptr) {
    if (ticket.kind == MessageKind::kData) {
      ticket.table->rows_delivered.fetch_add(messages, std::memory_order_relaxed);
      ticket.table->bytes_delivered.fetch_add(bytes, std::memory_order_relaxed);
    } else {
      ticket.table->control_records_delivered.fetch_add(messages, std::memory_order_relaxed);
    }
  }
  ticket.unit->reported(messages);
}

void DeliveryAccounts::failed(DeliveryTicket& ticket, const FailedMessage& message) noexcept {
  if (message.reason.code() != ErrorCode::kUndelivered) {
    ticket.unit->lost(1);
    return;
  }
  try {
    if (auto kept = keep(ticket, message); !kept) {
      failure_.set(std::move(kept).error().while_doing("keeping an undelivered message"));
      return;
    }
    if (ticket.table != nullptr) {
      ticket.table->rows_failed.fetch_add(1, std::memory_order_relaxed);
      apply_policy(*ticket.table, ticket.kind, message);
    } else {
      failure_.set(message.reason);
    }
    ticket.unit->reported(1);
  } catch (const std::exception& caught) {
    failure_.set(
        Error(ErrorCode::kInternal, fmt::format("reporting an undelivered message: {}", caught.what())));
  }
}

Result<void> DeliveryAccounts::keep(const DeliveryTicket& ticket, const FailedMessage& message) {
  DataErrorRecord record;
  if (ticket.table != nullptr) record.name = ticket.table->name;
  record.topic = message.topic;
  record.partition = message.partition;
  record.key = message.key;
  record.value = message.value;
  record.reason = message.reason.message();
  record.time_us = WallClock().now().microseconds;
  return store_.add_data_error(record);
}

void DeliveryAccounts::apply_policy(TableProgress& table, MessageKind kind, const FailedMessage& message) {
  ErrorPolicy policy =
      message.truncated ? settings_.data_truncation_error_policy : settings_.data_error_policy;
  const std::string_view policy_name = message.truncated ? "DataTruncationErrorPolicy" : "DataErrorPolicy";
  // SPEC DataErrorEscalationCount: "the maximum number of errors that can occur to the data for a specific
  // record"; 0 is no bound.
  const std::uint64_t failed = table.rows_failed.load(std::memory_order_relaxed);
  const auto bound = static_cast<std::uint64_t>(settings_.data_error_escalation_count);
  if (bound != 0 && failed > bound && settings_.data_error_escalation_policy > policy) {
    policy = settings_.data_error_escalation_policy;
  }
  // Rows without the control record that announces them would be worse than no rows.
  if (kind == MessageKind::kControl && policy < ErrorPolicy::kSuspendTable)
    policy = ErrorPolicy::kSuspendTable;

  const std::string text = fmt::format("{}: not delivered: {}", table.name.text(), describe(message));
  switch (policy) {
    case ErrorPolicy::kIgnoreRecord: log_debug(text); return;
    case ErrorPolicy::kLogError: log_error(text); return;
    case ErrorPolicy::kSuspendTable:
      log_error(text);
      if (!table.suspended.exchange(true)) {
        table.set_error(fmt::format("suspended by {} after {}", policy_name, describe(message)));
      }
      return;
    case ErrorPolicy::kStopTask:
      log_error(text);
      failure_.set(Error(ErrorCode::kUndelivered, fmt::format("{}: {}", table.name.text(), describe(message)))
                       .hint(fmt::format("{} is STOP_TASK", policy_name)));
      return;
  }
}

}  // namespace dmskafka
