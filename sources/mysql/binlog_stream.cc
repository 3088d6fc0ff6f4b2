#include "sources/mysql/binlog_stream.h"

#include <fmt/format.h>
#include <mysql.h>
#include <mysqld_error.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <exception>
#include <utility>

#include "sources/mysql/identifier.h"

namespace dmskafka::mysql {
namespace {

using std::chrono::milliseconds;

/// Both sides wait on each other for less than this, so that neither sleeps for ever after a missed word.
constexpr milliseconds kTick{1'000};
/// One huge event must not keep its memory for the rest of the run.
constexpr std::size_t kKeptBytesMax = 4 * BinlogStream::kAheadBytes;
constexpr std::size_t kEndPacketMax = 9;

bool says(const NativeError& native, std::string_view words) {
  return native.message.find(words) != std::string::npos;
}

}  // namespace

Error dump_error(const NativeError& native, std::string_view account) {
  const std::string text = fmt::format("MySQL: {} ({})", native.message, native.number);
  if (is_denied(native)) {
    return Error(ErrorCode::kSourceRejected, text)
        .hint(fmt::format("GRANT REPLICATION SLAVE ON *.* TO {};", quote_account(account)));
  }
  // Servers have several numbers for this.
  if (says(native, "same server_uuid") || says(native, "same server_id")) {
    return Error(ErrorCode::kSourceUnavailable, text)
        .hint("another replica with our server id is at work: perhaps a second run of this task elsewhere");
  }
  if (native.number != ER_MASTER_FATAL_ERROR_READING_BINLOG) return query_error(native);
  if (says(native, "Binary log is not open") || says(native, "server_id was not set") ||
      says(native, "Misconfigured master")) {
    return Error(ErrorCode::kSourceRejected, text)
        .hint("the server keeps no binary log for replicas: set log_bin and server_id, and restart it");
  }
  return Error(ErrorCode::kPositionLost, text).hint("load the tables again with --restart");
}

BinlogStream::BinlogStream(Connection connection, milliseconds silence_max)
    : silence_max_(silence_max),
      connection_(std::move(connection)),
      socket_(dup(connection_.socket())),
      thread_([this] { run(); }) {}

BinlogStream::~BinlogStream() {
  {
    const MutexLock lock(mutex_);
    closing_ = true;
    taken_.notify_all();
  }
  (void)shutdown(socket_, SHUT_RDWR);  // ends the thread's read
  thread_.join();
  (void)close(socket_);
}

Result<std::string_view> BinlogStream::next() {
  if (at_ == reading_.size()) {
    reading_.clear();
    reading_.shrink(kKeptBytesMax);
    at_ = 0;
    const MutexLock lock(mutex_);
    if (filling_.empty()) {
      if (ended_) return *ended_;
      const auto now = std::chrono::steady_clock::now();
      if (std::exchange(heard_, false)) silent_since_ = now;
      if (now - silent_since_ > silence_max_) return silent();
      return std::string_view();
    }
    heard_ = true;
    std::swap(reading_, filling_);
    if (full_) taken_.notify_one();
  }
  std::uint32_t size = 0;
  std::memcpy(&size, reading_.data() + at_, sizeof size);
  const std::string_view event(reading_.data() + at_ + sizeof size, size);
  at_ += sizeof size + size;
  return event;
}

/// It hangs, or what stands between us (a proxy) has lost it.
Error BinlogStream::silent() const {
  return Error(
      ErrorCode::kSourceUnavailable,
      fmt::format("MySQL at {} has sent nothing of its log for {} s, not even a heartbeat (ExecuteTimeout)",
                  connection_.place(), std::chrono::ceil<std::chrono::seconds>(silence_max_).count()));
}

void BinlogStream::wait(std::size_t bytes, milliseconds wait) {
  const MutexLock lock(mutex_);
  wanted_ = bytes;
  filled_.wait_for(mutex_, {}, wait,
                   [&]() REQUIRES_LOCK(mutex_) { return filling_.size() >= bytes || full_ || ended_; });
  wanted_ = 0;
}

Result<void> BinlogStream::wait_for_first(milliseconds wait, const std::stop_token& stop) {
  const MutexLock lock(mutex_);
  wanted_ = 1;
  filled_.wait_for(mutex_, stop, wait,
                   [&]() REQUIRES_LOCK(mutex_) { return !filling_.empty() || ended_.has_value(); });
  wanted_ = 0;
  if (stop.stop_requested()) return Error(ErrorCode::kCancelled, "stopped while asking for the log");
  if (ended_ && filling_.empty()) return *ended_;
  return {};
}

// --- the thread that reads the connection ---

void BinlogStream::run() noexcept {
  try {
    MYSQL* const native = connection_.native();
    for (;;) {
      const unsigned long size = mysql_net_read_packet(native);
      if (size == packet_error) return end(dump_error(connection_.failure(), connection_.account()));
      const auto* const bytes = reinterpret_cast<const char*>(native->net.read_pos);
      const auto kind = static_cast<unsigned char>(size == 0 ? 0xFE : bytes[0]);
      if (kind == 0xFE && size < kEndPacketMax) {
        return end(Error(ErrorCode::kSourceUnavailable, "MySQL: the server ended the stream of its log"));
      }
      if (kind != 0) {
        return end(Error(ErrorCode::kSourceRejected, "a packet of the log's stream cannot be read"));
      }
      if (!put({bytes + 1, size - 1})) return;
    }
  } catch (const std::exception& caught) {
    end(Error(ErrorCode::kInternal, fmt::format("in the binlog's reading thread: {}", caught.what())));
  }
}

bool BinlogStream::put(std::string_view event) {
  const auto size = static_cast<std::uint32_t>(event.size());
  const MutexLock lock(mutex_);
  while (!closing_ && !filling_.empty() && filling_.size() + sizeof size + event.size() > kAheadBytes) {
    full_ = true;
    filled_.notify_one();
    taken_.wait_for(mutex_, {}, kTick, [&]() REQUIRES_LOCK(mutex_) { return closing_ || filling_.empty(); });
  }
  full_ = false;
  if (closing_) return false;
  char header[sizeof size];
  std::memcpy(header, &size, sizeof size);
  filling_.append(std::string_view(header, sizeof header));
  filling_.append(event);
  if (wanted_ != 0 && filling_.size() >= wanted_) {
    wanted_ = 0;
    filled_.notify_one();
  }
  return true;
}

void BinlogStream::end(Error why) noexcept {
  const MutexLock lock(mutex_);
  ended_ = std::move(why);
  filled_.notify_all();
}

}  // namespace dmskafka::mysql
