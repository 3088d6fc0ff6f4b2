#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string_view>
#include <thread>

#include "core/base/byte_buffer.h"
#include "core/base/mutex.h"
#include "core/base/result.h"
#include "sources/mysql/connection.h"

namespace dmskafka::mysql {

/// The stream ended, or was refused, with these words of the server.
/// Errors: kPositionLost, kSourceUnavailable, kSourceRejected.
Error dump_error(const NativeError& native, std::string_view account);

/// The events of a running binlog dump, each whole. A thread of its own reads the connection, which may be encrypted, so that
/// waiting can end at any time; it reads ahead by at most kAheadBytes (or one larger event). The server itself waits while nobody
/// reads (net_write_timeout is a year), and nothing is ever sent to it. It speaks each second, if only a heartbeat: from one that
/// is silent for longer than `silence_max` while we would read, nothing is expected any more.
///
/// Thread: next() and wait() from one thread.
class BinlogStream {
 public:
  static constexpr std::size_t kAheadBytes = std::size_t{1} << 20U;

  /// REQUIRES: start_dump() succeeded on `connection`.
  BinlogStream(Connection connection, std::chrono::milliseconds silence_max);
  ~BinlogStream();
  BinlogStream(const BinlogStream&) = delete;
  BinlogStream& operator=(const BinlogStream&) = delete;

  /// The next event, if it is there already; else empty. Lives until the next call. Errors: dump_error(), after all events that
  /// came before it; kSourceUnavailable when the server fell silent.
  Result<std::string_view> next();
  /// Waits until so many bytes of events are there, or the stream has ended, at most `wait`.
  void wait(std::size_t bytes, std::chrono::milliseconds wait);
  /// Waits for the first event, at most `wait`: by then a server that refuses has refused. Errors: dump_error(), kCancelled.
  Result<void> wait_for_first(std::chrono::milliseconds wait, const std::stop_token& stop);

 private:
  Error silent() const;
  void run() noexcept;
  /// False: nobody wants it any more.
  bool put(std::string_view event);
  void end(Error why) noexcept;

  ByteBuffer reading_;                                  // the reader's: length u32 and bytes of each event
  std::size_t at_ = 0;                                  // in it
  bool heard_ = true;                                   // something, since the last call that found nothing
  std::chrono::steady_clock::time_point silent_since_;  // valid when not heard_
  const std::chrono::milliseconds silence_max_;
  Connection connection_;  // the thread's
  const int socket_;  // the same one under a number of our own: the library may close its own at any time

  Mutex mutex_;
  CondVar filled_;
  CondVar taken_;
  ByteBuffer filling_ GUARDED_BY(mutex_);
  std::size_t wanted_ GUARDED_BY(mutex_) = 0;  // bytes that the reader waits for; 0: it does not wait
  bool full_ GUARDED_BY(mutex_) = false;       // the thread waits until the reader has taken
  bool closing_ GUARDED_BY(mutex_) = false;
  std::optional<Error> ended_ GUARDED_BY(mutex_);
  std::jthread thread_;  // last member
};

}  // namespace dmskafka::mysql
