#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/byte_buffer.h"

namespace dmskafka {

/// Appends `text` as a JSON string with its quotes. Escapes what wire-format.md §2 says and nothing else: '"', '\\' and
/// U+0000–U+001F (\b \f \n \r \t, others as \u001f in lower-case hex); '/' and non-ASCII are written raw.
/// Each invalid UTF-8 sequence becomes U+FFFD (one for each maximal subpart, as the Unicode standard recommends, ch. 3.9).
/// Returns how many were replaced. Fast: it is called for every text value of every row.
std::size_t append_json_string(ByteBuffer& out, std::string_view text);

/// The same without the quotes, for text that is put together from parts.
std::size_t append_json_escaped(ByteBuffer& out, std::string_view text);

/// The quoted, escaped form as a string, for names that are escaped once per plan.
std::string json_quoted(std::string_view text);

/// How a document's white space is written: nothing, or as cJSON prints (wire-format.md §2).
enum class JsonLayout : std::uint8_t { kUnformatted, kFormatted };

}  // namespace dmskafka
