#include "cli/stop_signals.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdint>

#include "core/base/logging.h"

namespace dmskafka {

StopSignals::StopSignals() {
  std::signal(SIGPIPE, SIG_IGN);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signals_ = signalfd(-1, &set, SFD_CLOEXEC);
  ended_ = eventfd(0, EFD_CLOEXEC);
  if (signals_ < 0 ||
      ended_ < 0) {  // no descriptors left: signals then end the process as they do by default
    pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
    return;
  }
  thread_ = std::jthread([this] { run(); });
}

StopSignals::~StopSignals() {
  if (thread_.joinable()) {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(ended_, &one, sizeof one);
    thread_.join();
  }
  if (signals_ >= 0) ::close(signals_);
  if (ended_ >= 0) ::close(ended_);
}

void StopSignals::run() noexcept {
  for (;;) {
    std::array<pollfd, 2> waiting{{{signals_, POLLIN, 0}, {ended_, POLLIN, 0}}};
    if (poll(waiting.data(), waiting.size(), -1) < 0) continue;
    if (waiting[1].revents != 0) return;
    signalfd_siginfo signal{};
    if (::read(signals_, &signal, sizeof signal) != static_cast<ssize_t>(sizeof signal)) continue;
    const int number = static_cast<int>(signal.ssi_signo);
    if (received_.load() != 0) ::_exit(128 + number);
    received_.store(number);
    log_warning("stopping: waiting for what is in flight; a second signal ends at once, without waiting");
    source_.request_stop();
  }
}

}  // namespace dmskafka
