#include "cli/problem_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/logging.h"
#include "core/json/json_writer.h"

namespace dmskafka {
namespace {

std::string text_or_null(const std::string& text) { return text.empty() ? "null" : json_quoted(text); }

std::string number_or_null(std::uint32_t number) { return number == 0 ? "null" : std::to_string(number); }

// Contexts belong to the message in every other output of an Error, so here too.
std::string message_with_contexts(const Error& error) {
  std::string text;
  for (auto context = error.contexts().rbegin(); context != error.contexts().rend(); ++context)
    text += *context + ": ";
  return text + error.message();
}

}  // namespace

std::string_view severity_name(Severity severity) noexcept {
  switch (severity) {
    case Severity::kError: return "error";
    case Severity::kWarning: return "warning";
    case Severity::kNotice: return "notice";
  }
  return "unknown";
}

std::vector<ReportedProblem> in_reading_order(const Problems& problems) {
  std::vector<ReportedProblem> all;
  for (const Error& error : problems.errors) all.push_back({Severity::kError, error});
  for (const Error& error : problems.warnings) all.push_back({Severity::kWarning, error});
  for (const Error& error : problems.notices) all.push_back({Severity::kNotice, error});

  std::vector<std::string> files;  // in the order of their first problem
  const auto file_rank = [&](const ReportedProblem& problem) -> std::size_t {
    if (!problem.error.location()) return 0;
    const auto found = std::ranges::find(files, problem.error.location()->file);
    if (found == files.end()) {
      files.push_back(problem.error.location()->file);
      return files.size();
    }
    return static_cast<std::size_t>(found - files.begin()) + 1;
  };
  for (const ReportedProblem& problem : all) static_cast<void>(file_rank(problem));
  std::ranges::stable_sort(all, [&](const ReportedProblem& a, const ReportedProblem& b) {
    const std::size_t rank_a = file_rank(a);
    const std::size_t rank_b = file_rank(b);
    if (rank_a != rank_b || rank_a == 0) return rank_a < rank_b;
    const JsonLocation& place_a = *a.error.location();
    const JsonLocation& place_b = *b.error.location();
    return std::pair(place_a.line, place_a.column) < std::pair(place_b.line, place_b.column);
  });
  return all;
}

void log_problems(const Problems& problems) {
  for (const ReportedProblem& problem : in_reading_order(problems)) {
    switch (problem.severity) {
      case Severity::kError: log_error(problem.error.to_string()); break;
      case Severity::kWarning: log_warning(problem.error.to_string()); break;
      case Severity::kNotice: log_info("notice: " + problem.error.to_string()); break;
    }
  }
}

std::string problem_json(const ReportedProblem& problem) {
  const Error& error = problem.error;
  const JsonLocation place = error.location().value_or(JsonLocation{});
  return fmt::format(
      "{{\"severity\":\"{}\",\"code\":\"{}\",\"file\":{},\"line\":{},\"column\":{},\"pointer\":{},"
      "\"message\":{},"
      "\"expected\":{},\"hint\":{}}}",
      severity_name(problem.severity), error_code_name(error.code()), text_or_null(place.file),
      number_or_null(place.line), number_or_null(place.column),
      error.location() ? json_quoted(place.pointer) : "null", json_quoted(message_with_contexts(error)),
      text_or_null(error.expectation()), text_or_null(error.hint_text()));
}

}  // namespace dmskafka
