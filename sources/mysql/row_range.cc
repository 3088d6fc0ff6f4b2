#include "sources/mysql/row_range.h"

#include <fmt/format.h>

namespace dmskafka::mysql {
namespace {

constexpr std::string_view kPartition = "partition ";
constexpr std::string_view kAllRows = "all rows";

bool take_partition(std::string_view& text, std::optional<std::string>& partition) {
  partition = take_quoted(text, '"');
  return partition && take_prefix(text, ": ");
}

}  // namespace

std::string print_row_range(const RowRange& range) {
  std::string text;
  if (range.partition) text = std::string(kPartition) + quoted(*range.partition, '"') + ": ";
  if (range.keys) return text + print_key_range(*range.keys);
  return text.empty() ? text : text.append(kAllRows);
}

Result<RowRange> parse_row_range(std::string_view text) {
  RowRange range;
  std::string_view rest = text;
  bool good = true;
  if (take_prefix(rest, kPartition)) good = take_partition(rest, range.partition);
  if (good && !rest.empty() && !(range.partition && take_prefix(rest, kAllRows))) {
    range.keys = take_key_range(rest);
    good = range.keys.has_value();
  }
  if (good && rest.empty()) return range;
  return Error(ErrorCode::kStateFile,
               fmt::format("the state file holds a range that is none of ours: \"{}\"", text))
      .hint("restore it from a backup, or use --restart to load again from the start");
}

}  // namespace dmskafka::mysql
