#include "core/base/socket_wait.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace dmskafka {

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

bool InputWait::wait(Wake wake, short events, std::chrono::milliseconds wait) noexcept {
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
