#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/log_position.h"

namespace dmskafka::postgres {

/// A place in PostgreSQL's write-ahead log: a byte offset, written as two hexadecimal halves ("4AF/B00000D0").
using Lsn = std::uint64_t;

/// nullopt when `text` is not exactly what the server's pg_lsn type accepts.
std::optional<Lsn> parse_lsn(std::string_view text) noexcept;
/// As the server prints it: upper case, without leading zeros.
std::string format_lsn(Lsn lsn);
/// bytes and text are format_lsn(), order_low is the offset.
LogPosition lsn_position(Lsn lsn);

/// The same, with the cluster it belongs to in `bytes`: "0/16B3748 7412345678901234567". An LSN of another cluster looks just
/// as good.
LogPosition log_position(Lsn lsn, std::string_view system_id);
struct ParsedPosition {
  Lsn lsn = 0;
  std::string system_id;  ///< "": not told
};
/// Reads `bytes` of either; nullopt when they are none.
std::optional<ParsedPosition> parse_position_bytes(std::string_view bytes);

}  // namespace dmskafka::postgres
