#pragma once
#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "core/base/mutex.h"
#include "core/task/sink.h"

namespace dmskafka {

/// Keeps what a sink reports, and waits for it. Thread: any (locks itself).
class RecordingListener final : public DeliveryListener {
 public:
  struct Failure {
    DeliveryTicket* ticket;
    std::string topic;
    std::int32_t partition;
    std::string key;
    std::string value;
    ErrorCode code;
    std::string text;
  };

  void delivered(DeliveryTicket& ticket, std::uint64_t messages, std::uint64_t bytes) noexcept override {
    MutexLock lock(mutex_);
    by_ticket_[&ticket] += messages;
    delivered_ += messages;
    bytes_ += bytes;
    ++calls_;
    changed_.notify_all();
  }
  void failed(DeliveryTicket& ticket, const FailedMessage& message) noexcept override {
    MutexLock lock(mutex_);
    failures_.push_back({&ticket, std::string(message.topic), message.partition, std::string(message.key),
                         std::string(message.value), message.reason.code(), message.reason.message()});
    changed_.notify_all();
  }

  /// True once `count` messages were reported, delivered or failed.
  bool wait_reported(std::uint64_t count, std::chrono::seconds wait = std::chrono::seconds(30)) {
    MutexLock lock(mutex_);
    return changed_.wait_for(mutex_, {}, wait,
                             [&]() REQUIRES_LOCK(mutex_) { return delivered_ + failures_.size() >= count; });
  }
  std::uint64_t delivered_count() const {
    MutexLock lock(mutex_);
    return delivered_;
  }
  std::uint64_t delivered_of(DeliveryTicket& ticket) const {
    MutexLock lock(mutex_);
    const auto found = by_ticket_.find(&ticket);
    return found == by_ticket_.end() ? 0 : found->second;
  }
  std::uint64_t bytes() const {
    MutexLock lock(mutex_);
    return bytes_;
  }
  std::uint64_t calls() const {
    MutexLock lock(mutex_);
    return calls_;
  }
  std::vector<Failure> failures() const {
    MutexLock lock(mutex_);
    return failures_;
  }

 private:
  mutable Mutex mutex_;
  CondVar changed_;
  std::map<DeliveryTicket*, std::uint64_t> by_ticket_ GUARDED_BY(mutex_);
  std::vector<Failure> failures_ GUARDED_BY(mutex_);
  std::uint64_t delivered_ GUARDED_BY(mutex_) = 0;
  std::uint64_t bytes_ GUARDED_BY(mutex_) = 0;
  std::uint64_t calls_ GUARDED_BY(mutex_) = 0;
};

}  // namespace dmskafka
