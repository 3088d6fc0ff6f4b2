#include "sinks/printing_sink.h"

#include <fmt/format.h>

#include <cerrno>
#include <deque>
#include <system_error>
#include <thread>
#include <utility>

#include "core/base/byte_buffer.h"
#include "core/base/mutex.h"
#include "sinks/delivery_groups.h"
#include "sinks/message_text.h"

namespace dmskafka {
namespace {

constexpr std::size_t kBufferBytesMax = 1 << 20;

/// A message that is in the text but not yet written; key and value lie one after the other in Batch::raw.
struct Pending {
  const Topic* topic;
  std::int32_t partition;
  std::size_t key_size;
  std::size_t value_size;
  DeliveryTicket* ticket;
};
struct Batch {
  ByteBuffer text;  ///< what goes to the stream
  ByteBuffer raw;   ///< the messages themselves, for the report of a failed write
  std::vector<Pending> messages;
};

/// Senders fill one batch while the writer thread writes the other: a slow reader of the stream holds the senders up when
/// a batch is full, and a quick one sees every message at once.
class PrintingSink final : public Sink {
 public:
  PrintingSink(const PrintingSinkOptions& options, DeliveryListener& listener)
      : options_(options), listener_(listener), thread_([this](std::stop_token stop) { run(stop); }) {}

  Result<std::vector<const Topic*>> open_topics(std::span<const TopicSpec> specs,
                                                std::stop_token stop) override;
  Result<void> send(const OutboundMessage& message, std::stop_token stop) override;
  void flush() noexcept override {}  // the writer never waits for more
  Result<void> close(std::chrono::milliseconds timeout) override;
  std::optional<Error> failure() const override {
    MutexLock lock(mutex_);
    return failure_;
  }
  std::uint64_t in_flight() const noexcept override {
    MutexLock lock(mutex_);
    return in_flight_;
  }

 private:
  void run(const std::stop_token& stop) noexcept;
  void append(const OutboundMessage& message) REQUIRES_LOCK(mutex_);
  std::optional<Error> write(const Batch& batch) const;
  void report(const Batch& batch, const std::optional<Error>& failed);

  const PrintingSinkOptions options_;
  DeliveryListener& listener_;
  std::deque<Topic> topics_;  // the task's thread
  mutable Mutex mutex_;
  CondVar changed_;
  Batch filling_ GUARDED_BY(mutex_);
  std::uint64_t in_flight_ GUARDED_BY(mutex_) = 0;
  std::optional<Error> failure_ GUARDED_BY(mutex_);
  std::jthread thread_;  // last: starts after what it uses, joins before it goes
};

Result<std::vector<const Topic*>> PrintingSink::open_topics(std::span<const TopicSpec> specs,
                                                            std::stop_token /*stop*/) {
  std::vector<TopicSpec> open;
  for (const TopicSpec& spec : specs) {
    if (!options_.partitions && !spec.partitions) open.push_back(spec);
  }
  std::vector<std::int32_t> asked;
  if (options_.ask_partitions && !open.empty()) asked = options_.ask_partitions(open);
  asked.resize(open.size());
  std::size_t next_asked = 0;
  std::vector<const Topic*> topics;
  for (const TopicSpec& spec : specs) {
    Topic& topic = topics_.emplace_back();
    topic.name = spec.name;
    const bool told = options_.partitions || spec.partitions;
    topic.partition_count = options_.partitions.value_or(spec.partitions.value_or(0));
    if (!told) topic.partition_count = asked[next_asked++];
    topic.index = topics_.size() - 1;
    topics.push_back(&topic);
  }
  return topics;
}

Result<void> PrintingSink::send(const OutboundMessage& message, std::stop_token stop) {
  MutexLock lock(mutex_);
  while (!failure_ && filling_.text.size() >= kBufferBytesMax) {
    if (stop.stop_requested()) return Error(ErrorCode::kCancelled, "stopped");
    changed_.wait_for(mutex_, stop, std::chrono::seconds(1), [&]() REQUIRES_LOCK(mutex_) {
      return failure_ || filling_.text.size() < kBufferBytesMax;
    });
  }
  if (failure_) return *failure_;
  const bool idle = filling_.messages.empty();
  append(message);
  if (idle) changed_.notify_all();
  return {};
}

void PrintingSink::append(const OutboundMessage& message) {
  MessageReasons reasons;
  if (options_.reasons) reasons = options_.reasons(message);
  const MessageText text{message.topic->name, message.partition, message.key, message.value,
                         options_.reasons ? &reasons : nullptr};
  switch (options_.format) {
    case PrintFormat::kNdjson: append_ndjson(filling_.text, text); break;
    case PrintFormat::kPretty:
      append_pretty(filling_.text, text, options_.colours ? Colours::kOn : Colours::kOff);
      break;
  }
  filling_.raw.append(message.key);
  filling_.raw.append(message.value);
  filling_.messages.push_back(
      {message.topic, message.partition, message.key.size(), message.value.size(), message.ticket});
  ++in_flight_;
}

void PrintingSink::run(const std::stop_token& stop) noexcept {
  Batch writing;
  for (;;) {
    std::optional<Error> failed;
    {
      MutexLock lock(mutex_);
      changed_.wait_for(mutex_, stop, std::chrono::seconds(1),
                        [&]() REQUIRES_LOCK(mutex_) { return !filling_.messages.empty(); });
      if (filling_.messages.empty()) {
        if (stop.stop_requested()) return;
        continue;
      }
      std::swap(writing, filling_);
      failed = failure_;
      changed_.notify_all();
    }
    if (!failed) failed = write(writing);
    report(writing, failed);
    MutexLock lock(mutex_);
    in_flight_ -= writing.messages.size();
    if (!failure_) failure_ = failed;
    writing.messages.clear();
    for (ByteBuffer* buffer : {&writing.text, &writing.raw}) {
      buffer->clear();
      buffer->shrink(2 * kBufferBytesMax);
    }
    changed_.notify_all();
  }
}

std::optional<Error> PrintingSink::write(const Batch& batch) const {
  const std::string_view text = batch.text.view();
  errno = 0;
  if (std::fwrite(text.data(), 1, text.size(), options_.stream) == text.size() &&
      std::fflush(options_.stream) == 0) {
    return std::nullopt;
  }
  const int code = errno;
  if (code == EPIPE) return Error(ErrorCode::kUndelivered, "the reader of the output has closed it");
  return Error(ErrorCode::kUndelivered,
               fmt::format("cannot write the output: {}", std::generic_category().message(code)));
}

void PrintingSink::report(const Batch& batch, const std::optional<Error>& failed) {
  DeliveryGroups groups(listener_);
  const std::string_view raw = batch.raw.view();
  std::size_t offset = 0;
  for (const Pending& message : batch.messages) {
    const std::string_view key = raw.substr(offset, message.key_size);
    const std::string_view value = raw.substr(offset + message.key_size, message.value_size);
    offset += message.key_size + message.value_size;
    if (failed) {
      // Not kUndelivered: the message is not at fault, and a resumed task sends it again.
      const Error reason(ErrorCode::kTargetUnavailable, failed->message());
      listener_.failed(*message.ticket,
                       FailedMessage{message.topic->name, message.partition, key, value, reason});
    } else {
      groups.delivered(*message.ticket, key.size() + value.size());
    }
  }
  groups.flush();
}

Result<void> PrintingSink::close(std::chrono::milliseconds timeout) {
  std::uint64_t left = 0;
  {
    MutexLock lock(mutex_);
    changed_.wait_for(mutex_, {}, timeout, [&]() REQUIRES_LOCK(mutex_) { return in_flight_ == 0; });
    left = in_flight_;
    // A writer that hangs in the stream cannot be interrupted; what it has not begun is reported as failed.
    if (left != 0 && !failure_)
      failure_ = Error(ErrorCode::kUndelivered, "the reader of the output does not read");
  }
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
  MutexLock lock(mutex_);
  if (!failure_) return {};
  return *failure_;
}

}  // namespace

std::unique_ptr<Sink> make_printing_sink(const PrintingSinkOptions& options, DeliveryListener& listener) {
  return std::make_unique<PrintingSink>(options, listener);
}

}  // namespace dmskafka
