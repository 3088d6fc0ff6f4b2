#pragma once
#include <cstddef>
#include <string_view>

#include "core/base/row.h"
#include "core/base/table_schema.h"

namespace dmskafka {

/// The part of a LOB that LobMaxSize lets through: at most `bytes_max` bytes of the value, of text never part of a character.
/// Returns all of it when it is not too long. REQUIRES: bytes_max > 0.
std::string_view cut_lob(ValueKind kind, const Value& value, std::size_t bytes_max) noexcept;

}  // namespace dmskafka
