#pragma once
#include <cstdint>

#include "core/task/sink.h"

namespace dmskafka {

/// Turns one report a message into one listener call a run of messages with the same ticket: reports come in the order of
/// a partition's batches, and a batch is mostly of one table and segment.
/// Thread: the report thread alone.
class DeliveryGroups {
 public:
  /// `listener` outlives it.
  explicit DeliveryGroups(DeliveryListener& listener) : listener_(listener) {}

  void delivered(DeliveryTicket& ticket, std::uint64_t bytes) noexcept {
    if (&ticket != ticket_) {
      flush();
      ticket_ = &ticket;
    }
    ++messages_;
    bytes_ += bytes;
  }
  /// Reports what is gathered. REQUIRES: called before anybody is told that nothing is in flight.
  void flush() noexcept {
    if (messages_ != 0) listener_.delivered(*ticket_, messages_, bytes_);
    ticket_ = nullptr;
    messages_ = 0;
    bytes_ = 0;
  }

 private:
  DeliveryListener& listener_;
  DeliveryTicket* ticket_ = nullptr;
  std::uint64_t messages_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace dmskafka
