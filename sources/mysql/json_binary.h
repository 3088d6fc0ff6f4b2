#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/byte_buffer.h"

namespace dmskafka::mysql {

/// MySQL's binary JSON as the server prints it: `{"a": 1, "b": [true, null]}`, keys in stored order. MySQL's source documents the
/// format in sql-common/json_binary.h:
///
///   value = type u8, then by type
///     0/1 small/large object, 2/3 small/large array: count, bytes in all (each 2 or 4 bytes), then for an object count × (offset of the
///         key, its length u16), then count × (type u8, offset or the value itself), keys, values. Offsets begin at the count.
///     4 literal u8: 0 null, 1 true, 2 false   5 i16   6 u16   7 i32   8 u32   9 i64   10 u64   11 double
///     12 string: length (7 bits a byte, low first), UTF-8   15 opaque: type of a column u8, length likewise, bytes
///
/// Inlined instead of their offset: literals, 16-bit numbers, and in large containers 32-bit ones.

/// Appends the text of `binary` to `out`; false: the bytes are no such document, and what was appended is meaningless. No bytes at
/// all are null: old servers stored it so.
bool append_json_text(std::string_view binary, ByteBuffer& out);

/// A change of a document that PARTIAL_UPDATE_ROWS carries instead of its new value.
struct JsonDiff {
  enum class Operation : std::uint8_t { kReplace = 0, kInsert = 1, kRemove = 2 };
  Operation operation = Operation::kReplace;
  std::string_view path;   ///< "$.a[2].\"b c\""
  std::string_view value;  ///< binary JSON; none for kRemove
};
/// Diffs as they stand in the row: operation u8, path (length-encoded), value (length-encoded) unless removed. False: unreadable.
bool parse_json_diffs(std::string_view bytes, std::vector<JsonDiff>& diffs);

/// Appends the text of `before` (binary JSON) with `diffs` applied in their order. False: unreadable, or a diff that does not fit the
/// document.
bool append_patched_json(std::string_view before, const std::vector<JsonDiff>& diffs, ByteBuffer& out);

}  // namespace dmskafka::mysql
