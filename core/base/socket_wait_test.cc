#include "core/base/socket_wait.h"

#include <doctest/doctest.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <thread>

namespace dmskafka {
namespace {

using namespace std::chrono_literals;
using Wake = InputWait::Wake;

/// Two ends of a connection within this machine.
struct Ends {
  explicit Ends(int family) {
    connect_ends(family);
    // So that a sender ends whose reader has given up.
    const timeval limit{60, 0};
    REQUIRE(setsockopt(sender(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) == 0);
  }
  void connect_ends(int family) {
    if (family == AF_UNIX) {
      REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, both.data()) == 0);
      return;
    }
    const int listener = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    socklen_t size = sizeof address;
    REQUIRE(bind(listener, any, size) == 0);
    REQUIRE(listen(listener, 1) == 0);
    REQUIRE(getsockname(listener, any, &size) == 0);
    both[0] = socket(AF_INET, SOCK_STREAM, 0);
    REQUIRE(connect(both[0], any, size) == 0);
    both[1] = accept(listener, nullptr, nullptr);
    REQUIRE(both[1] >= 0);
    close(listener);
    const int at_once = 1;
    REQUIRE(setsockopt(sender(), IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once) == 0);
  }
  ~Ends() {
    for (const int end : both) close(end);
  }
  Ends(const Ends&) = delete;
  Ends& operator=(const Ends&) = delete;

  int reader() const { return both[0]; }
  int sender() const { return both[1]; }
  void send_pieces(int count, std::size_t bytes) const {
    const std::string piece(bytes, 'x');
    for (int i = 0; i < count; ++i) {
      if (send(sender(), piece.data(), bytes, MSG_NOSIGNAL) != static_cast<ssize_t>(bytes)) return;
    }
  }
  /// Some of what is there now.
  std::size_t take_some() const {
    std::array<char, 16'384> bytes;
    return static_cast<std::size_t>(
        std::max<ssize_t>(0, recv(reader(), bytes.data(), bytes.size(), MSG_DONTWAIT)));
  }
  /// What is there now.
  std::size_t take() const {
    std::size_t all = 0;
    for (std::size_t some = 0; (some = take_some()) > 0;) all += some;
    return all;
  }
  tcp_info senders_view() const {
    tcp_info info{};
    socklen_t size = sizeof info;
    REQUIRE(getsockopt(sender(), IPPROTO_TCP, TCP_INFO, &info, &size) == 0);
    return info;
  }

  std::array<int, 2> both{-1, -1};
};

TEST_CASE(
    "socket_wait: of a local peer that is left alone few segments come for many pieces, and all of them") {
  constexpr int kPieces = 30'000;
  constexpr std::size_t kPieceBytes = 1'000;
  for (const int family : {AF_INET, AF_UNIX}) {
    const Ends ends(family);
    InputWait input(ends.reader());
    input.leave_local_peer_alone();
    const std::jthread sender([&] { ends.send_pieces(kPieces, kPieceBytes); });
    std::size_t bytes = 0;
    int waits = 0;
    const auto limit = std::chrono::steady_clock::now() + 60s;
    while (bytes < kPieces * kPieceBytes && std::chrono::steady_clock::now() < limit) {
      const std::size_t some = ends.take();
      bytes += some;
      for (std::size_t piece = 0; piece < some; piece += kPieceBytes)
        input.took(std::min(kPieceBytes, some - piece));
      if (some != 0) continue;
      ++waits;
      input.wait(Wake::kGather, POLLIN, 40ms);
    }
    CHECK(bytes == kPieces * kPieceBytes);
    CHECK(waits < kPieces / 10);
    if (family == AF_INET) CHECK(ends.senders_view().tcpi_data_segs_out < kPieces / 2);
  }
}

/// Once it has seen large segments the kernel takes nearly all of the memory for the window; of small ones that does not hold so many, and
/// what it drops the sender repeats after 200 ms.
TEST_CASE("socket_wait: the window of a local peer that is left alone stays at two of its segments") {
  constexpr std::size_t kTwoSegments = std::size_t{128} * 1024;
  const Ends ends(AF_INET);
  InputWait input(ends.reader());
  input.leave_local_peer_alone();
  for (int piece = 0; piece < 100; ++piece) input.took(300);
  CHECK_FALSE(input.wait(Wake::kGather, POLLIN, 1ms));
  const std::jthread sender([&] { ends.send_pieces(100'000, 300); });
  std::size_t bytes = 0;
  std::size_t window_max = 0;
  const auto limit = std::chrono::steady_clock::now() + 60s;
  while (bytes < 100'000 * 300 && std::chrono::steady_clock::now() < limit) {
    const std::size_t some = ends.take_some();
    bytes += some;
    for (std::size_t piece = 0; piece < some; piece += 300) input.took(300);
    if (some != 0) continue;
    input.wait(Wake::kGather, POLLIN, 40ms);
    const bool first_used_up = bytes > 1'000'000;
    if (first_used_up) window_max = std::max<std::size_t>(window_max, ends.senders_view().tcpi_snd_wnd);
  }
  CHECK(bytes == 100'000 * 300);
  CHECK(window_max <= kTwoSegments + kTwoSegments / 64);  // which its unit may round up
}

TEST_CASE("socket_wait: gathering is over when 64 KB are there, the first byte's wait when one is") {
  const Ends ends(AF_INET);
  InputWait input(ends.reader());
  ends.send_pieces(1, 100);
  CHECK_FALSE(input.wait(Wake::kGather, POLLIN, 20ms));
  CHECK(input.wait(Wake::kFirstByte, POLLIN, 60s));
  const std::jthread sender([&] { ends.send_pieces(70, 1'000); });
  CHECK(input.wait(Wake::kGather, POLLIN, 60s));
}

TEST_CASE("socket_wait: a local peer that sends large pieces is waited for as any other") {
  const Ends ends(AF_INET);
  InputWait input(ends.reader());
  input.leave_local_peer_alone();
  for (int i = 0; i < 1'000; ++i) input.took(100);
  CHECK_FALSE(input.wait(Wake::kGather, POLLIN, 20ms));  // left alone
  for (int i = 0; i < 2; ++i) input.took(100'000);
  const std::jthread sender([&] { ends.send_pieces(1, 70'000); });
  CHECK(input.wait(Wake::kGather, POLLIN, 60s));
}

TEST_CASE(
    "socket_wait: a local peer is left alone no longer than asked, and its first byte is waited for as "
    "ever") {
  for (const int family : {AF_INET, AF_UNIX}) {
    const Ends ends(family);
    InputWait input(ends.reader());
    input.leave_local_peer_alone();
    for (int piece = 0; piece < 100; ++piece) input.took(100);
    CHECK_FALSE(input.wait(Wake::kGather, POLLIN, 1ms));
    ends.send_pieces(1, 100);
    CHECK(input.wait(Wake::kGather, POLLIN, 1ms));
    CHECK(input.wait(Wake::kFirstByte, POLLIN, 60s));
  }
}

}  // namespace
}  // namespace dmskafka
