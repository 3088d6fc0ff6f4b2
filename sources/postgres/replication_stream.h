#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <stop_token>
#include <string_view>
#include <thread>

#include "core/base/mutex.h"
#include "core/base/result.h"
#include "core/base/socket_wait.h"
#include "sources/postgres/connection.h"
#include "sources/postgres/lsn.h"

namespace dmskafka::postgres {

/// A message of the replication stream, in libpq's memory.
class StreamFrame {
 public:
  enum class Kind : std::uint8_t { kNone, kData, kKeepalive };
  StreamFrame() = default;
  StreamFrame(StreamFrame&& other) noexcept { *this = std::move(other); }
  StreamFrame& operator=(StreamFrame&& other) noexcept;
  ~StreamFrame();

  Kind kind = Kind::kNone;   ///< kNone: nothing is there now
  std::string_view payload;  ///< kData: the output plugin's message
  std::int64_t sent_us = 0;  ///< kData: by the server's clock, since 1970-01-01
  Lsn wal_end = 0;           ///< kKeepalive: everything before it was sent

 private:
  friend class ReplicationStream;
  char* buffer_ = nullptr;  // libpq's
};

/// The stream ended, or was refused, with these words of the server.
/// Errors: kPositionLost, kSourceUnavailable, kSourceRejected.
Error stream_error(const NativeError& native);

/// A running START_REPLICATION. It answers the server by itself, from a thread of its own, so that the server keeps the
/// connection while nobody reads it.
///
///   w  start u64, end u64, time u64, payload          what the output plugin says
///   k  end u64, time u64, answer u8                   keepalive: where the server stands
///   r  written u64, flushed u64, applied u64, time u64, answer u8    ours: what may be forgotten
///
/// Thread: next() and wait() from one thread; the others from any.
class ReplicationStream {
 public:
  struct Options {
    Lsn start = 0;
    /// The server breaks the connection when it hears nothing for so long (wal_sender_timeout); 0: never.
    std::chrono::milliseconds sender_timeout{60'000};
  };
  /// REQUIRES: Connection::start_stream() succeeded on `connection`.
  ReplicationStream(Connection connection, const Options& options);
  ~ReplicationStream();
  ReplicationStream(const ReplicationStream&) = delete;
  ReplicationStream& operator=(const ReplicationStream&) = delete;

  /// The next message, if it is there already. Errors: stream_error().
  Result<void> next(StreamFrame& frame);
  /// Waits until the server has sent something, at most `wait`.
  void wait(InputWait::Wake wake, std::chrono::milliseconds wait);

  /// Everything up to `flushed` may be forgotten; the server is told soon.
  void acknowledge(Lsn flushed);
  Lsn received() const noexcept { return received_; }
  Lsn flushed() const noexcept { return flushed_; }

 private:
  using Clock = std::chrono::steady_clock;
  enum class Reply : bool { kNotWanted, kWanted };
  void run(const std::stop_token& stop) noexcept;
  Result<void> read_frame(std::string_view bytes, StreamFrame& frame) REQUIRES_LOCK(mutex_);
  void send_feedback(Reply reply) REQUIRES_LOCK(mutex_);
  Error failure(const pg_result* refusal) REQUIRES_LOCK(mutex_);

  const std::chrono::milliseconds feedback_interval_;
  InputWait input_;  // the reading thread's
  std::atomic<Lsn> received_;
  std::atomic<Lsn> flushed_;
  std::atomic<bool> reader_waits_ = false;
  Mutex mutex_;
  CondVar wake_;
  Connection connection_ GUARDED_BY(mutex_);
  Clock::time_point last_feedback_ GUARDED_BY(mutex_);
  Clock::time_point last_message_ GUARDED_BY(mutex_);  // to a tick
  bool heard_ GUARDED_BY(mutex_) = false;              // since the feedback thread looked
  Lsn flushed_told_ GUARDED_BY(mutex_) = 0;
  std::jthread thread_;  // last member
};

}  // namespace dmskafka::postgres
