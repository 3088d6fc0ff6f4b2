#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/json_location.h"

namespace dmskafka {

/// One code for each thing a caller would do differently. main.cc maps them to exit statuses in one switch.
enum class ErrorCode : std::uint8_t {
  kInternal,           ///< A bug of ours.
  kCommandLine,        ///< Wrong flags or arguments.
  kInvalidSettings,    ///< Endpoint or task settings; a JSON file that cannot be read.
  kInvalidMapping,     ///< Table mappings.
  kSourceUnavailable,  ///< Not reachable now, or the connection broke: reconnect and retry.
  kSourceRejected,     ///< The source answered no: password, permission, missing database. Retrying does not
                       ///< help.
  kTableUnreadable,    ///< One table cannot be read (permission, dropped, altered); the others can.
  kPositionLost,       ///< The log position is gone from the source's log: a new full load is needed.
  kTargetUnavailable,  ///< No broker answers, or nothing is acknowledged any more.
  kProducerFatal,      ///< The producer can send nothing more; a new one can.
  kTargetRejected,     ///< The broker answered no: authentication, authorisation, invalid topic.
  kUndelivered,        ///< Messages were not delivered.
  kStateFile,          ///< The state file is unusable: locked, full, foreign, damaged, other task or mapping.
  kTablesInError,      ///< Finished, but with tables or records left behind.
  kCancelled,          ///< The task was asked to stop.
};

/// A failure as a value. Copies are cheap (they share an immutable body). Never put a secret into one.
/// Thread: any; a value like any other.
class [[nodiscard]] Error {
 public:
  Error(ErrorCode code, std::string message);

  /// The place in the JSON text this error is about.
  Error at(JsonLocation location) &&;
  /// What would have been right, printed after the caret ("expected …") or in parentheses.
  Error expected(std::string what) &&;
  /// What was being done, outermost last: `.while_doing("loading sales.orders")`.
  Error while_doing(std::string context) &&;
  Error while_doing(std::string context) const&;
  /// What the user can do about it, on a line of its own.
  Error hint(std::string what) &&;

  ErrorCode code() const noexcept;
  const std::string& message() const noexcept;
  const std::optional<JsonLocation>& location() const noexcept;
  const std::string& expectation() const noexcept;  ///< "" when none
  const std::string& hint_text() const noexcept;    ///< "" when none
  const std::vector<std::string>& contexts() const noexcept;

  /// The whole text for people, without a newline at its end. With a location:
  ///   mapping.json:9:22: /rules/1/rule-action: unknown rule-action "map-record-to-row"
  ///         "rule-action": "map-record-to-row",
  ///                        ^ expected map-record-to-record or map-record-to-document
  /// without: `loading sales.orders: permission denied` and the hint on its own line.
  std::string to_string() const;

 private:
  struct Body;
  std::shared_ptr<Body> unshared() const;
  std::shared_ptr<Body> body_;
};

/// Short stable name for logs and JSON output, e.g. "source-unavailable".
std::string_view error_code_name(ErrorCode code) noexcept;

}  // namespace dmskafka
