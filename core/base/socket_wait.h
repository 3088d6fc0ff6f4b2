#pragma once
#include <chrono>
#include <cstddef>

namespace dmskafka {

/// True when one of `events` (poll.h), or an error, is there; false after `wait`. A signal does not end the wait early.
bool wait_socket(int socket, short events, std::chrono::milliseconds wait) noexcept;

/// Waits for what a peer sends in many small pieces. Woken for each of them we would in turn wake the peer for each that we take;
/// measured, gathering lets PostgreSQL's log come a fourth faster at a sixth of our own work. Thread: one at a time.
class InputWait {
 public:
  explicit InputWait(int socket) noexcept : socket_(socket) {}
  /// Of a peer on this machine that sends each piece by itself, as fast as it can: from now on kGather leaves it alone for a while, and
  /// does not look. Over TCP what it may send meanwhile is little, so that its kernel puts the other pieces together instead of
  /// walking through the network's code for each. Measured, who only reads gets PostgreSQL's log twice as fast
  /// (docs/decisions/a-local-sender-is-left-alone.md). For other peers nothing changes: what they can hold back is not known.
  void leave_local_peer_alone() noexcept;
  /// kGather: until 64 KB are there, or as long as a local peer is left alone; and so the caller bounds `wait` by the delay that it allows.
  enum class Wake : bool { kFirstByte, kGather };
  /// True when that is there, or an error, or one of the other `events` (poll.h); false after `wait`.
  bool wait(Wake wake, short events, std::chrono::milliseconds wait) noexcept;
  /// Of a peer that may be left alone: one of its pieces has been taken.
  void took(std::size_t bytes) noexcept;

 private:
  /// 0: it is not worth one.
  std::chrono::microseconds next_pause() noexcept;
  void keep_window() noexcept;

  int socket_;
  int low_water_ = 1;  // SO_RCVLOWAT as it is set
  // Of a peer that may be left alone:
  std::chrono::microseconds pause_max_{0};  // 0: it may not
  std::chrono::microseconds pause_{0};
  bool tcp_ = false;              // it has a window, which is kept small while its pieces are
  bool narrowed_ = false;         // the memory behind the window is small
  bool small_pieces_ = false;     // as far as is known
  std::size_t sample_bytes_ = 0;  // from which that is told next
  std::size_t sample_pieces_ = 0;
  std::size_t taken_ = 0;              // bytes since the last wait
  std::size_t taken_since_pause_ = 0;  // bytes before the last wait
};

/// True when the peer of `socket` accepts another connection within `wait`.
bool peer_answers(int socket, std::chrono::milliseconds wait) noexcept;

}  // namespace dmskafka
