#include "sinks/discard_sink.h"

#include <deque>

namespace dmskafka {
namespace {

/// Reports each message on the sending thread, before send() returns: nothing is ever in flight.
class DiscardSink final : public Sink {
 public:
  explicit DiscardSink(DeliveryListener& listener) : listener_(listener) {}

  Result<std::vector<const Topic*>> open_topics(std::span<const TopicSpec> specs,
                                                std::stop_token /*stop*/) override {
    std::vector<const Topic*> topics;
    for (const TopicSpec& spec : specs) {
      Topic& topic = topics_.emplace_back();
      topic.name = spec.name;
      topic.partition_count = spec.partitions.value_or(1);
      topic.index = topics_.size() - 1;
      topics.push_back(&topic);
    }
    return topics;
  }
  Result<void> send(const OutboundMessage& message, std::stop_token stop) override {
    if (stop.stop_requested()) return Error(ErrorCode::kCancelled, "stopped");
    listener_.delivered(*message.ticket, 1, message.key.size() + message.value.size());
    return {};
  }
  void flush() noexcept override {}
  Result<void> close(std::chrono::milliseconds /*timeout*/) override { return {}; }
  std::optional<Error> failure() const override { return std::nullopt; }
  std::uint64_t in_flight() const noexcept override { return 0; }

 private:
  DeliveryListener& listener_;
  std::deque<Topic> topics_;
};

}  // namespace

std::unique_ptr<Sink> make_discard_sink(DeliveryListener& listener) {
  return std::make_unique<DiscardSink>(listener);
}

}  // namespace dmskafka
