#include "sinks/kafka/report_thread.h"

#include <fmt/format.h>
#include <librdkafka/rdkafka.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <exception>
#include <string_view>
#include <utility>

#include "core/base/logging.h"
#include "sinks/kafka/report_verdict.h"

namespace dmskafka {
namespace {

constexpr int kPollMs = 100;

void log_line(rd_kafka_op_s& event) {
  const char* facility = nullptr;
  const char* text = nullptr;
  int level = 0;
  if (rd_kafka_event_log(&event, &facility, &text, &level) != 0) return;
  // Connections that fail reach us as error events too (FAIL, ERROR), are retried, and the watchdog names the last one when
  // nothing moves any more; GETPID is asked again; CONFWARN tells of properties that concern consumers only.
  constexpr int kSyslogWarning = 4;
  constexpr std::array<std::string_view, 4> kKnown = {"FAIL", "ERROR", "GETPID", "CONFWARN"};
  const bool known = std::find(kKnown.begin(), kKnown.end(), facility) != kKnown.end();
  const bool concern = level <= kSyslogWarning && !known;
  log(concern ? LogLevel::kWarning : LogLevel::kDebug, fmt::format("librdkafka: {}: {}", facility, text));
}

}  // namespace

ReportThread::ReportThread(Parts parts)
    : parts_(std::move(parts)),
      wake_fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      groups_(parts_.listener),
      watchdog_(parts_.stall_timeout) {
  thread_ = std::jthread([this](std::stop_token stop) { run(stop); });
}

ReportThread::~ReportThread() {
  thread_.request_stop();
  constexpr std::uint64_t kOne = 1;
  if (wake_fd_ >= 0)
    static_cast<void>(!::write(wake_fd_, &kOne, sizeof kOne));  // or the end would wait for the poll's
  thread_.join();
  queues_.clear();
  {
    MutexLock lock(mutex_);
    added_.clear();
  }
  if (wake_fd_ >= 0) ::close(wake_fd_);
}

void ReportThread::add_client(rd_kafka_s* client) {
  QueueHandle queue(rd_kafka_queue_get_main(client));
  constexpr std::uint64_t kOne = 1;
  if (wake_fd_ >= 0) rd_kafka_queue_io_event_enable(queue.get(), wake_fd_, &kOne, sizeof kOne);
  MutexLock lock(mutex_);
  added_.push_back(std::move(queue));
}

void ReportThread::wait_for_event() {
  // Bounded, because the first events of a client may have come before it was asked to wake us.
  pollfd wake{wake_fd_, POLLIN, 0};
  ::poll(&wake, 1, kPollMs);
  std::uint64_t count = 0;
  static_cast<void>(!::read(wake_fd_, &count, sizeof count));  // only to be woken again; not an event count
}

void ReportThread::take_added() {
  MutexLock lock(mutex_);
  for (QueueHandle& queue : added_) queues_.push_back(std::move(queue));
  added_.clear();
}

void ReportThread::serve_all() {
  take_added();
  for (const QueueHandle& queue : queues_) {
    while (const EventHandle event{rd_kafka_queue_poll(queue.get(), 0)}) handle(*event);
  }
  report_rejected();
}

void ReportThread::reject(RejectedMessage message) {
  MutexLock lock(mutex_);
  rejected_.push_back(std::move(message));
}

void ReportThread::run(const std::stop_token& stop) noexcept {
  try {
    while (!stop.stop_requested()) {
      wait_for_event();
      serve_all();
      watch();
    }
    serve_all();
  } catch (const std::exception& caught) {
    parts_.budget.close(Error(ErrorCode::kInternal, fmt::format("Kafka's reports: {}", caught.what())));
  }
}

void ReportThread::handle(rd_kafka_op_s& event) {
  switch (rd_kafka_event_type(&event)) {
    case RD_KAFKA_EVENT_DR: handle_deliveries(event); return;
    case RD_KAFKA_EVENT_ERROR: handle_error(event); return;
    case RD_KAFKA_EVENT_LOG: log_line(event); return;
    default: return;  // an int, not an enum: other events were not asked for
  }
}

void ReportThread::handle_deliveries(rd_kafka_op_s& event) {
  std::uint64_t messages = 0;
  std::size_t bytes = 0;
  while (const rd_kafka_message_t* message = rd_kafka_event_message_next(&event)) {
    auto& ticket = *static_cast<DeliveryTicket*>(message->_private);
    const std::size_t size = message->len + message->key_len;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
      groups_.delivered(ticket, size);
    } else {
      const std::string_view key(static_cast<const char*>(message->key), message->key_len);
      const std::string_view value(static_cast<const char*>(message->payload), message->len);
      report_failed(ticket,
                    FailedMessage{rd_kafka_topic_name(message->rkt), message->partition, key, value,
                                  Error(ErrorCode::kUndelivered, failure_text(message->err))},
                    message->err);
    }
    ++messages;
    bytes += size + kMessageOverhead;
  }
  groups_.flush();
  reported_ += messages;
  parts_.budget.release(messages, bytes);
}

void ReportThread::report_failed(DeliveryTicket& ticket, FailedMessage message, int code) {
  switch (report_verdict(code)) {
    case ReportVerdict::kDelivered:
    case ReportVerdict::kMessageAtFault: break;
    case ReportVerdict::kSinkFailed:
      if (!parts_.budget.closed()) parts_.budget.close(sink_failure(code, ""));
      [[fallthrough]];
    case ReportVerdict::kPurged: {
      const auto failure = parts_.budget.failure();
      message.reason =
          Error(failure ? failure->code() : ErrorCode::kTargetUnavailable, message.reason.message());
      break;
    }
  }
  parts_.listener.failed(ticket, message);
}

void ReportThread::handle_error(rd_kafka_op_s& event) {
  const rd_kafka_resp_err_t code = rd_kafka_event_error(&event);
  const char* words = rd_kafka_event_error_string(&event);
  const std::string text = words != nullptr ? words : "";
  parts_.health.note_error(code, text);
  if (rd_kafka_event_error_is_fatal(&event) != 0 || code == RD_KAFKA_RESP_ERR__AUTHENTICATION) {
    parts_.budget.close(sink_failure(code, text));
  } else {
    log_debug(fmt::format("librdkafka: {} ({})", text, rd_kafka_err2name(code)));
  }
}

void ReportThread::report_rejected() {
  std::vector<RejectedMessage> rejected;
  {
    MutexLock lock(mutex_);
    rejected.swap(rejected_);
  }
  for (const RejectedMessage& message : rejected) {
    report_failed(*message.ticket,
                  FailedMessage{message.topic, message.partition, message.key, message.value,
                                Error(ErrorCode::kUndelivered, failure_text(message.code))},
                  message.code);
    ++reported_;
    parts_.budget.release(1, message.key.size() + message.value.size() + kMessageOverhead);
  }
}

void ReportThread::watch() {
  if (parts_.budget.closed()) return;
  const auto now = std::chrono::steady_clock::now();
  const std::uint64_t in_flight = parts_.budget.messages();
  const auto verdict = watchdog_.observe(now, in_flight, reported_);
  if (verdict == StallWatchdog::Verdict::kFine) return;
  const std::string last = parts_.health.last_error();
  const std::string text = fmt::format(
      "Kafka ({}) acknowledged nothing for {} s while {} messages are in flight{}", parts_.brokers,
      watchdog_.waited(now).count(), in_flight, last.empty() ? "" : "; last error: " + last);
  if (verdict == StallWatchdog::Verdict::kWaiting) {
    log_warning(text + "; waiting");
    return;
  }
  parts_.budget.close(Error(ErrorCode::kTargetUnavailable, text).hint("StallTimeout bounds this waiting"));
}

}  // namespace dmskafka
