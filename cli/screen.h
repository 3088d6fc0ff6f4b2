#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/mutex.h"

namespace dmskafka {

/// What stands behind a file descriptor.
struct Terminal {
  bool is_terminal = false;
  bool colours = false;  ///< a terminal that is not "dumb", and NO_COLOR (https://no-color.org) is not set
  std::size_t columns = 100;
  std::size_t rows = 24;
};
Terminal terminal_of(int descriptor);

/// One stream for lines that stay and, below them, a live block that is redrawn in place. A failed write is ignored: there
/// is nowhere left to report it. Thread: any (locks itself).
class Screen {
 public:
  /// REQUIRES: `descriptor` stays open. Only a terminal gets a live block.
  explicit Screen(int descriptor) : descriptor_(descriptor) {}

  /// `text` is whole lines, each with its newline. They appear above the live block.
  void write(std::string_view text);
  /// Replaces the live block; empty removes it. Lines longer than the terminal is wide are cut by it.
  void set_live(std::vector<std::string> lines);

 private:
  std::string erase_sequence() const REQUIRES_LOCK(mutex_);
  std::string live_text() const REQUIRES_LOCK(mutex_);
  void put(std::string_view bytes) REQUIRES_LOCK(mutex_);

  const int descriptor_;
  Mutex mutex_;
  std::vector<std::string> live_ GUARDED_BY(mutex_);
};

}  // namespace dmskafka
