#include "sources/postgres/replication_stream.h"

#include <fmt/format.h>
#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <utility>

#include "sources/postgres/pgoutput_message.h"

namespace dmskafka::postgres {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kFeedbackMax{10'000};
/// An acknowledgement is told this soon.
constexpr milliseconds kAcknowledgeDelay{500};
/// When the server has been quiet for so long it is asked where it stands: log of no interest to us then is not kept for us.
constexpr milliseconds kQuiet{2'000};
constexpr milliseconds kTick{250};

void put_u64(char*& to, std::uint64_t value) noexcept {
  for (int shift = 56; shift >= 0; shift -= 8)
    *to++ = static_cast<char>(value >> static_cast<unsigned>(shift));
}

milliseconds feedback_interval(milliseconds sender_timeout) {
  if (sender_timeout.count() == 0) return kFeedbackMax;
  return std::clamp(sender_timeout / 3, milliseconds(50), kFeedbackMax);
}

}  // namespace

StreamFrame& StreamFrame::operator=(StreamFrame&& other) noexcept {
  std::swap(buffer_, other.buffer_);
  kind = std::exchange(other.kind, Kind::kNone);
  payload = std::exchange(other.payload, {});
  sent_us = other.sent_us;
  wal_end = other.wal_end;
  return *this;
}

StreamFrame::~StreamFrame() { PQfreemem(buffer_); }

ReplicationStream::ReplicationStream(Connection connection, const Options& options)
    : feedback_interval_(feedback_interval(options.sender_timeout)),
      input_(PQsocket(connection.native())),
      received_(options.start),
      flushed_(options.start),
      connection_(std::move(connection)),
      last_feedback_(Clock::now()),
      last_message_(Clock::now()),
      thread_([this](const std::stop_token& stop) { run(stop); }) {
  input_.leave_local_peer_alone();  // the server sends each message by itself
}

ReplicationStream::~ReplicationStream() = default;

Result<void> ReplicationStream::next(StreamFrame& frame) {
  PQfreemem(std::exchange(frame.buffer_, nullptr));
  frame.kind = StreamFrame::Kind::kNone;
  const MutexLock lock(mutex_);
  if (!connection_.usable()) return failure(nullptr);
  PGconn* const native = connection_.native();
  int size = PQgetCopyData(native, &frame.buffer_, 1);
  // Twice for TLS, which hands over at most one of its records at a time.
  for (int attempt = PQsslInUse(native) != 0 ? 0 : 1; size == 0 && attempt < 2; ++attempt) {
    if (PQconsumeInput(native) == 0) return failure(nullptr);
    size = PQgetCopyData(native, &frame.buffer_, 1);
  }
  if (size == 0) {
    if (PQflush(native) < 0) return failure(nullptr);
    return {};
  }
  if (size < 0) {
    const ResultHandle result(PQgetResult(native));
    return failure(result.get());
  }
  return read_frame(std::string_view(frame.buffer_, static_cast<std::size_t>(size)), frame);
}

Result<void> ReplicationStream::read_frame(std::string_view bytes, StreamFrame& frame) {
  MessageReader reader(bytes);
  const auto kind = static_cast<char>(reader.u8());
  input_.took(bytes.size());
  heard_ = true;
  Lsn seen = 0;
  if (kind == 'w') {
    const Lsn start = reader.u64();
    seen = std::max(start, reader.u64());
    frame.sent_us = unix_microseconds(reader.u64());
    frame.kind = StreamFrame::Kind::kData;
    frame.payload = reader.bytes(reader.left());
  } else if (kind == 'k') {
    seen = reader.u64();
    (void)reader.u64();
    const bool answer = reader.u8() != 0;
    frame.kind = StreamFrame::Kind::kKeepalive;
    frame.wal_end = seen;
    if (answer && reader.ok()) {
      received_ = std::max(received_.load(), seen);
      send_feedback(Reply::kNotWanted);
    }
  }
  if (!reader.ok() || frame.kind == StreamFrame::Kind::kNone) {
    return Error(ErrorCode::kSourceRejected, "a message of the replication stream cannot be read");
  }
  if (seen > received_) received_ = seen;
  return {};
}

void ReplicationStream::wait(InputWait::Wake wake, milliseconds wait) {
  reader_waits_ = true;
  input_.wait(wake, POLLIN, wait);
  reader_waits_ = false;
}

void ReplicationStream::acknowledge(Lsn flushed) {
  Lsn known = flushed_.load();
  while (flushed > known && !flushed_.compare_exchange_weak(known, flushed)) {
  }
}

/// Not the reading thread's work: it may be blocked by a slow target for minutes.
void ReplicationStream::run(const std::stop_token& stop) noexcept {
  MutexLock lock(mutex_);
  while (!stop.stop_requested()) {
    if (connection_.usable()) {
      const Clock::time_point now = Clock::now();
      if (std::exchange(heard_, false)) last_message_ = now;
      const auto since_feedback = now - last_feedback_;
      const bool acknowledged = flushed_.load() != flushed_told_ && since_feedback >= kAcknowledgeDelay;
      const bool quiet = reader_waits_ && now - last_message_ >= kQuiet && since_feedback >= kQuiet;
      if (acknowledged || quiet || since_feedback >= feedback_interval_) {
        send_feedback(quiet ? Reply::kWanted : Reply::kNotWanted);
      } else {
        (void)PQflush(connection_.native());  // what the socket did not take before; next() tells a failure
      }
    }
    wake_.wait_for(mutex_, stop, std::min(kTick, feedback_interval_ / 2), [] { return false; });
  }
  // The last acknowledgement of a stream that ends: the server need not keep that log until the next start.
  if (connection_.usable() && flushed_.load() != flushed_told_) send_feedback(Reply::kNotWanted);
}

/// A failure shows in next(), which reads the same connection.
void ReplicationStream::send_feedback(Reply reply) {
  std::array<char, 34> message{};
  char* to = message.data();
  const Lsn flushed = flushed_.load();
  *to++ = 'r';
  put_u64(to, std::max(received_.load(), flushed));
  put_u64(to, flushed);
  put_u64(to, flushed);
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  put_u64(to, static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(now).count() -
                                         unix_microseconds(0)));
  *to = reply == Reply::kWanted ? '\1' : '\0';
  last_feedback_ = Clock::now();
  if (PQputCopyData(connection_.native(), message.data(), static_cast<int>(message.size())) != 1) return;
  flushed_told_ = flushed;
  (void)PQflush(connection_.native());
}

Error ReplicationStream::failure(const pg_result* refusal) {
  const NativeError native = native_error(refusal, connection_.native());
  return stream_error(native);
}

Error stream_error(const NativeError& native) {
  // The state alone does not tell them apart: 55000 is also a server without wal_level=logical.
  const bool gone = native.sqlstate == "58P01" || native.sqlstate == "42704" || native.sqlstate == "55000";
  if (!gone) return query_error(native).while_doing("reading the replication stream");
  Error error(ErrorCode::kPositionLost,
              fmt::format("the server cannot give the log from our position any more: {}", native.message));
  return std::move(error).hint(
      "the changes in between are lost to this task: load the tables again with --restart");
}

}  // namespace dmskafka::postgres
