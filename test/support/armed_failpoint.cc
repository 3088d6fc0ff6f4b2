// Linked before the library, whose failpoint() is then not looked for. DMSKAFKA_FAILPOINT=NAME kills the program where it passes
// that place, NAME:COUNT where it does so for the COUNT-th time.
#include <atomic>
#include <charconv>
#include <csignal>
#include <cstdint>
#include <cstdlib>

#include "core/base/failpoint.h"

namespace dmskafka {
namespace {

struct Armed {
  std::string_view name;
  std::uint64_t count = 1;
};

Armed read_environment() {
  const char* text = std::getenv("DMSKAFKA_FAILPOINT");
  if (text == nullptr) return {};
  Armed armed{text};
  const std::size_t colon = armed.name.find(':');
  if (colon == std::string_view::npos) return armed;
  const std::string_view count = armed.name.substr(colon + 1);
  std::from_chars(count.data(), count.data() + count.size(), armed.count);
  armed.name = armed.name.substr(0, colon);
  return armed;
}

}  // namespace

void failpoint(std::string_view name) noexcept {
  static const Armed armed = read_environment();
  static std::atomic<std::uint64_t> passed{0};
  if (name != armed.name) return;
  if (passed.fetch_add(1) + 1 == armed.count) std::raise(SIGKILL);
}

}  // namespace dmskafka
