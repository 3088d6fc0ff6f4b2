#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/settings/settings_reader.h"

namespace dmskafka {

enum class Severity : std::uint8_t { kError, kWarning, kNotice };
std::string_view severity_name(Severity severity) noexcept;

struct ReportedProblem {
  Severity severity;
  Error error;
};

/// All problems in the order in which a reader meets them: file by file as they were read, line by line; what has no place
/// comes first.
std::vector<ReportedProblem> in_reading_order(const Problems& problems);

/// Says all of them on standard error.
void log_problems(const Problems& problems);

/// {"severity":…,"code":…,"file":…,"line":…,"column":…,"pointer":…,"message":…,"expected":…,"hint":…}; null where unknown.
std::string problem_json(const ReportedProblem& problem);

}  // namespace dmskafka
