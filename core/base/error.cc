#include "core/base/error.h"

#include <fmt/format.h>

#include <utility>

namespace dmskafka {

struct Error::Body {
  ErrorCode code;
  std::string message;
  std::optional<JsonLocation> location;
  std::string expectation;
  std::string hint;
  std::vector<std::string> contexts;
};

Error::Error(ErrorCode code, std::string message)
    : body_(std::make_shared<Body>(Body{code, std::move(message), std::nullopt, {}, {}, {}})) {}

// Copies share the body, so a change needs one of its own.
std::shared_ptr<Error::Body> Error::unshared() const {
  return body_.use_count() == 1 ? body_ : std::make_shared<Body>(*body_);
}

Error Error::at(JsonLocation location) && {
  body_ = unshared();
  body_->location = std::move(location);
  return std::move(*this);
}

Error Error::expected(std::string what) && {
  body_ = unshared();
  body_->expectation = std::move(what);
  return std::move(*this);
}

Error Error::while_doing(std::string context) && {
  body_ = unshared();
  body_->contexts.push_back(std::move(context));
  return std::move(*this);
}

Error Error::while_doing(std::string context) const& { return Error(*this).while_doing(std::move(context)); }

Error Error::hint(std::string what) && {
  body_ = unshared();
  body_->hint = std::move(what);
  return std::move(*this);
}

ErrorCode Error::code() const noexcept { return body_->code; }
const std::string& Error::message() const noexcept { return body_->message; }
const std::optional<JsonLocation>& Error::location() const noexcept { return body_->location; }
const std::string& Error::expectation() const noexcept { return body_->expectation; }
const std::string& Error::hint_text() const noexcept { return body_->hint; }
const std::vector<std::string>& Error::contexts() const noexcept { return body_->contexts; }

std::string Error::to_string() const {
  std::string text;
  if (body_->location) {
    const JsonLocation& place = *body_->location;
    text = place.file;
    if (place.line != 0) text += fmt::format(":{}:{}", place.line, place.column);
    text += ": ";
    if (!place.pointer.empty()) text += place.pointer + ": ";
  }
  for (auto context = body_->contexts.rbegin(); context != body_->contexts.rend(); ++context) {
    text += *context + ": ";
  }
  text += body_->message;
  const bool has_caret = body_->location && body_->location->caret_column != 0;
  if (has_caret) {
    // Tabs are kept under tabs, so that the caret stands where the terminal shows the character.
    std::string under;
    std::uint32_t column = 1;
    for (const char c : body_->location->line_text) {
      if (column == body_->location->caret_column) break;
      if ((static_cast<unsigned char>(c) & 0xC0U) == 0x80U) continue;  // a continuation byte takes no column
      under += c == '\t' ? '\t' : ' ';
      ++column;
    }
    text += fmt::format("\n    {}\n    {}^", body_->location->line_text, under);
    if (!body_->expectation.empty()) text += " expected " + body_->expectation;
  } else if (!body_->expectation.empty()) {
    text += fmt::format(" (expected {})", body_->expectation);
  }
  if (!body_->hint.empty()) text += "\n  " + body_->hint;
  return text;
}

std::string_view error_code_name(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::kInternal: return "internal";
    case ErrorCode::kCommandLine: return "command-line";
    case ErrorCode::kInvalidSettings: return "invalid-settings";
    case ErrorCode::kInvalidMapping: return "invalid-mapping";
    case ErrorCode::kSourceUnavailable: return "source-unavailable";
    case ErrorCode::kSourceRejected: return "source-rejected";
    case ErrorCode::kTableUnreadable: return "table-unreadable";
    case ErrorCode::kPositionLost: return "position-lost";
    case ErrorCode::kProducerFatal: return "producer-fatal";
    case ErrorCode::kTargetUnavailable: return "target-unavailable";
    case ErrorCode::kTargetRejected: return "target-rejected";
    case ErrorCode::kUndelivered: return "undelivered";
    case ErrorCode::kStateFile: return "state-file";
    case ErrorCode::kTablesInError: return "tables-in-error";
    case ErrorCode::kCancelled: return "cancelled";
  }
  return "unknown";
}

}  // namespace dmskafka
