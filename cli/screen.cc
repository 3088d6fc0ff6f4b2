#include "cli/screen.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace dmskafka {

Terminal terminal_of(int descriptor) {
  Terminal terminal;
  terminal.is_terminal = isatty(descriptor) == 1;
  if (!terminal.is_terminal) return terminal;
  const char* const no_color = std::getenv("NO_COLOR");
  const char* const term = std::getenv("TERM");
  const bool dumb = term == nullptr || std::string_view(term) == "dumb";
  terminal.colours = !dumb && (no_color == nullptr || *no_color == '\0');
  winsize size{};
  if (ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col != 0) {
    terminal.columns = size.ws_col;
    if (size.ws_row != 0) terminal.rows = size.ws_row;
  }
  return terminal;
}

void Screen::write(std::string_view text) {
  MutexLock lock(mutex_);
  put(erase_sequence() + std::string(text) + live_text());
}

void Screen::set_live(std::vector<std::string> lines) {
  MutexLock lock(mutex_);
  std::string bytes = erase_sequence();
  live_ = std::move(lines);
  bytes += live_text();
  put(bytes);
}

std::string Screen::erase_sequence() const {
  return live_.empty() ? std::string() : fmt::format("\x1b[{}A\r\x1b[J", live_.size());
}

// Without automatic wrapping a line never takes two rows, so that erasing finds the block where it was drawn.
std::string Screen::live_text() const {
  if (live_.empty()) return {};
  std::string text = "\x1b[?7l";
  for (const std::string& line : live_) text += line + "\n";
  return text + "\x1b[?7h";
}

void Screen::put(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace dmskafka
