#include "core/base/socket_wait.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <thread>
#include <utility>

namespace dmskafka {
namespace {

/// Room for two of the largest segments (64 KB): with less, the sender may wait with one that does not fit until a timer of 200 ms ends.
/// And filled within a part of kPause by any sender that is worth it.
constexpr int kWindow = 128 * 1024;
/// The kernel doubles it, for what it needs itself. Segments that find it full are dropped, which costs such a timer too; yet it
/// must fill, or nothing is put together.
constexpr int kWindowMemory = 160 * 1024;
constexpr std::chrono::microseconds kPause{20'000};
constexpr int kPauseParts = 20;  // it is never shorter than one of them
/// Of larger pieces the sender's own work is more than the network's.
constexpr std::size_t kPieceMax = 2'048;
constexpr std::size_t kSamplePieces = 64;
constexpr std::size_t kSampleBytes = 128 * 1024;
/// To come in a pause: much more than the window, and less than the sender's kernel can hold (4 MB on the loopback device).
constexpr std::size_t kPauseBytes = std::size_t{1} << 20U;
/// Who took so much at once emptied the window, behind which the sender's kernel may hold more; it needs a moment to hand it over.
constexpr std::size_t kMoreBehind = 128 * 1024;
constexpr std::chrono::microseconds kMoment{100};
/// Only the loopback device has such segments, and sender's buffers that large with them.
constexpr std::uint32_t kLocalSegment = 32 * 1024;
/// The sender's kernel puts nothing together, and holds some 200 KB of pieces, each with its own overhead.
constexpr std::chrono::microseconds kPauseUnix{500};

}  // namespace

bool wait_socket(int socket, short events, std::chrono::milliseconds wait) noexcept {
  const auto until = std::chrono::steady_clock::now() + wait;
  pollfd descriptor{socket, events, 0};
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    const int ready = poll(&descriptor, 1, left.count() > 0 ? static_cast<int>(left.count()) : 0);
    if (ready > 0) return true;
    if (ready == 0) return false;
    if (errno != EINTR) return true;  // the caller's next call on the socket says what is wrong
  }
}

void InputWait::leave_local_peer_alone() noexcept {
  int family = AF_UNSPEC;
  socklen_t size = sizeof family;
  if (getsockopt(socket_, SOL_SOCKET, SO_DOMAIN, &family, &size) == 0 && family == AF_UNIX) {
    pause_max_ = kPauseUnix;
  } else {
    tcp_info info{};
    size = sizeof info;
    const bool known = getsockopt(socket_, IPPROTO_TCP, TCP_INFO, &info, &size) == 0;
    tcp_ = known && info.tcpi_advmss >= kLocalSegment;
    if (tcp_) pause_max_ = kPause;
  }
  pause_ = pause_max_;
}

/// The size of the memory cannot be undone. Where either is refused, the pauses bring less, and nothing else.
void InputWait::keep_window() noexcept {
  if (!std::exchange(narrowed_, true)) {
    (void)setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &kWindowMemory, sizeof kWindowMemory);
  }
  // Again and again: once it has seen large segments, the kernel takes nearly all of that memory for the window (Linux 6.6 and newer).
  const int window = small_pieces_ ? kWindow : 2 * kWindowMemory;
  (void)setsockopt(socket_, IPPROTO_TCP, TCP_WINDOW_CLAMP, &window, sizeof window);
}

void InputWait::took(std::size_t bytes) noexcept {
  taken_ += bytes;
  sample_bytes_ += bytes;
  ++sample_pieces_;
  if (sample_pieces_ < kSamplePieces && sample_bytes_ < kSampleBytes) return;
  small_pieces_ = sample_bytes_ <= sample_pieces_ * kPieceMax;
  sample_bytes_ = sample_pieces_ = 0;
  if (narrowed_) keep_window();
}

std::chrono::microseconds InputWait::next_pause() noexcept {
  using std::chrono::microseconds;
  const std::size_t taken = std::exchange(taken_, 0);
  if (pause_max_.count() == 0 || !small_pieces_) return microseconds(0);
  if (tcp_) keep_window();  // not before there are small pieces: large ones come faster without
  taken_since_pause_ += taken;
  if (taken >= kMoreBehind) return kMoment;
  const std::size_t all = std::max<std::size_t>(1, std::exchange(taken_since_pause_, 0));
  const double fitting =
      static_cast<double>(pause_.count()) * static_cast<double>(kPauseBytes) / static_cast<double>(all);
  const auto longest = static_cast<double>(pause_max_.count());
  pause_ = microseconds(static_cast<std::int64_t>(std::clamp(fitting, longest / kPauseParts, longest)));
  return pause_;
}

bool InputWait::wait(Wake wake, short events, std::chrono::milliseconds wait) noexcept {
  const auto pause = wake == Wake::kGather ? next_pause() : std::chrono::microseconds(0);
  if (pause.count() != 0) {
    std::this_thread::sleep_for(std::min<std::chrono::microseconds>(wait, pause));
    return wait_socket(socket_, events, std::chrono::milliseconds(0));
  }
  constexpr int kGatherBytes = 64 * 1024;
  const int low_water = wake == Wake::kGather ? kGatherBytes : 1;
  if (low_water != low_water_) {
    // Where the socket has no such thing, every message wakes us; that is slower and nothing else.
    (void)setsockopt(socket_, SOL_SOCKET, SO_RCVLOWAT, &low_water, sizeof low_water);
    low_water_ = low_water;
  }
  return wait_socket(socket_, events, wait);
}

bool peer_answers(int socket, std::chrono::milliseconds wait) noexcept {
  sockaddr_storage peer{};
  socklen_t size = sizeof peer;
  if (getpeername(socket, reinterpret_cast<sockaddr*>(&peer), &size) != 0) return false;
  const int attempt = ::socket(peer.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (attempt < 0) return false;
  bool answers = connect(attempt, reinterpret_cast<const sockaddr*>(&peer), size) == 0;
  if (!answers && errno == EINPROGRESS && wait_socket(attempt, POLLOUT, wait)) {
    int problem = 0;
    socklen_t problem_size = sizeof problem;
    answers = getsockopt(attempt, SOL_SOCKET, SO_ERROR, &problem, &problem_size) == 0 && problem == 0;
  }
  close(attempt);
  return answers;
}

}  // namespace dmskafka
