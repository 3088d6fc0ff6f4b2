#pragma once
#include <string_view>

#include "core/base/byte_buffer.h"
#include "mapping/value_text.h"

namespace dmskafka {

/// Writes those values whose form in the dialect dms-strict is not the one of the dialect dms (wire-format.md §5). False:
/// this value is written as the dialect dms writes it. REQUIRES: format.strict; the value has ValueForm::kText.
bool append_strict_text(const ValueFormat& format, std::string_view text, ByteBuffer& out);
/// The same for an integer of any column.
bool append_strict_integer(const ValueFormat& format, std::string_view text, ByteBuffer& out);

}  // namespace dmskafka
