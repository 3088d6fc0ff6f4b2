#pragma once
#include <cstdint>
#include <string>

#include "core/base/error.h"

namespace dmskafka {

/// What a delivery report's error means for the rest.
enum class ReportVerdict : std::uint8_t {
  kDelivered,
  kMessageAtFault,  ///< This message (or its topic) is refused; others go on.
  kPurged,          ///< We gave up waiting.
  kSinkFailed,      ///< Nothing more can be sent in order.
};

/// `code`: librdkafka's.
ReportVerdict report_verdict(int code);

/// Why a message failed, in the broker's words.
std::string failure_text(int code);

/// The sink's failure for a `code` that ends it; `text`: librdkafka's own words, may be empty.
Error sink_failure(int code, const std::string& text);

}  // namespace dmskafka
