// Reads a replication slot through pgoutput up to a position and drops what it reads: what the server and one reader of its log
// can do at all, the bound that dmskafka is held against. It acknowledges nothing but keepalives that ask for it.
//
//   bench_slotread URI SLOT PUBLICATION END [gather|pause]
//
// gather: wakes up for many messages at once (SO_RCVLOWAT with a limit on the waiting), so that the server's sender is not
// disturbed by a wake-up for each. pause: reads what is there every 20 ms, through a small window, so that the kernel of a sender on
// this machine puts many messages into one segment. Prints one JSON object with what was counted.
#include <libpq-fe.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

using Clock = std::chrono::steady_clock;

// The frames of the streaming replication protocol: XLogData is 'w', three 64-bit numbers, the payload; a keepalive 'k', two
// numbers, a byte that asks for an answer.
constexpr int kDataHead = 25;
constexpr int kKeepaliveSize = 18;
constexpr int kGatherBytes = 65'536;
constexpr int kGatherMs = 2;
constexpr int kPauseMicroseconds = 20'000;
// As in core/base/socket_wait.cc.
constexpr int kWindow = 128 * 1024;
constexpr int kWindowMemory = 160 * 1024;
enum class Mode { kBlock, kGather, kPause };

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "bench_slotread: %s\n", what.c_str());
  std::exit(1);
}

std::uint64_t number_at(const char* bytes) {
  std::uint64_t number = 0;
  for (int i = 0; i < 8; ++i) number = number << 8U | static_cast<std::uint8_t>(bytes[i]);
  return number;
}

std::uint64_t parse_position(const char* text) {
  unsigned high = 0;
  unsigned low = 0;
  if (std::sscanf(text, "%X/%X", &high, &low) != 2) fail(std::string("no position: ") + text);
  return std::uint64_t{high} << 32U | low;
}

struct Counts {
  std::uint64_t changes = 0, transactions = 0, bytes = 0, waits = 0;
};

class SlotReader {
 public:
  SlotReader(const std::string& uri, const std::string& slot, const std::string& publication, Mode mode)
      : mode_(mode) {
    const char* const separator = uri.find('?') == std::string::npos ? "?" : "&";
    connection_ = PQconnectdb((uri + separator + "replication=database").c_str());
    if (PQstatus(connection_) != CONNECTION_OK) fail(PQerrorMessage(connection_));
    const std::string command = "START_REPLICATION SLOT \"" + slot + "\" LOGICAL 0/0 (proto_version '1', " +
                                "publication_names '\"" + publication + "\"')";
    PGresult* const started = PQexec(connection_, command.c_str());
    if (PQresultStatus(started) != PGRES_COPY_BOTH) fail(PQerrorMessage(connection_));
    PQclear(started);
    if (mode_ == Mode::kGather) set_option(SOL_SOCKET, SO_RCVLOWAT, kGatherBytes);
    if (mode_ == Mode::kPause) set_option(SOL_SOCKET, SO_RCVBUF, kWindowMemory);
  }

  Counts read_to(std::uint64_t end) {
    while (seen_ < end) {
      char* frame = nullptr;
      const int size = PQgetCopyData(connection_, &frame, mode_ == Mode::kBlock ? 0 : 1);
      if (size < 0) fail(std::string("the stream ended: ") + PQerrorMessage(connection_));
      if (size == 0) {
        refill();
        continue;
      }
      dry_ = false;
      take(std::string_view(frame, static_cast<std::size_t>(size)));
      PQfreemem(frame);
    }
    return counts_;
  }

 private:
  void set_option(int level, int name, int value) {
    if (setsockopt(PQsocket(connection_), level, name, &value, sizeof value) != 0) fail("setsockopt");
  }

  // What the kernel has is taken first; only when that is nothing, it is waited for.
  void refill() {
    if (dry_) {
      if (mode_ == Mode::kPause) {
        set_option(IPPROTO_TCP, TCP_WINDOW_CLAMP, kWindow);
        usleep(kPauseMicroseconds);
      } else {
        pollfd socket{PQsocket(connection_), POLLIN, 0};
        poll(&socket, 1, kGatherMs);
      }
      ++counts_.waits;
    }
    if (PQconsumeInput(connection_) == 0) fail(PQerrorMessage(connection_));
    dry_ = true;
  }

  void take(std::string_view frame) {
    const std::uint64_t position = number_at(frame.data() + 1);
    if (frame[0] == 'w' && frame.size() > kDataHead) {
      const char kind = frame[kDataHead];
      counts_.changes += kind == 'I' || kind == 'U' || kind == 'D' ? 1 : 0;
      counts_.transactions += kind == 'C' ? 1 : 0;
      counts_.bytes += frame.size() - kDataHead;
    }
    if (position > seen_) seen_ = position;
    if (frame[0] == 'k' && frame.size() == kKeepaliveSize && frame[kKeepaliveSize - 1] != 0) answer();
  }

  void answer() {
    std::string message = "r";
    for (int field = 0; field < 3; ++field) {
      for (int shift = 56; shift >= 0; shift -= 8)
        message += static_cast<char>(seen_ >> static_cast<unsigned>(shift));
    }
    message.append(9, '\0');
    PQputCopyData(connection_, message.data(), static_cast<int>(message.size()));
    PQflush(connection_);
  }

  const Mode mode_;
  PGconn* connection_ = nullptr;  // the process ends with it
  std::uint64_t seen_ = 0;
  bool dry_ = false;
  Counts counts_;
};

}  // namespace

int main(int count, char** words) {
  const std::string_view word = count == 6 ? words[5] : "";
  const Mode mode = word == "gather" ? Mode::kGather : word == "pause" ? Mode::kPause : Mode::kBlock;
  if (count != 5 && mode == Mode::kBlock) fail("URI SLOT PUBLICATION END [gather|pause]");
  SlotReader reader(words[1], words[2], words[3], mode);
  const Clock::time_point start = Clock::now();
  const Counts counts = reader.read_to(parse_position(words[4]));
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  std::printf(
      "{\"changes\":%llu,\"transactions\":%llu,\"bytes\":%llu,\"waits\":%llu,\"seconds\":%.3f}\n",
      static_cast<unsigned long long>(counts.changes), static_cast<unsigned long long>(counts.transactions),
      static_cast<unsigned long long>(counts.bytes), static_cast<unsigned long long>(counts.waits), seconds);
  return 0;
}
