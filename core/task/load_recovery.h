#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>

#include "core/base/result.h"

namespace dmskafka {

/// Decides whether a load that lost its source or its producer begins again within the same run, with what is not done.
/// It does as long as attempts finish something; after several in a row that finished nothing the failure is final.
/// Thread: the task's.
class LoadRecovery {
 public:
  /// `first_wait`: before the next attempt; doubled after each that finished nothing.
  explicit LoadRecovery(std::chrono::milliseconds first_wait) : first_wait_(first_wait) {}

  enum class Gain : std::uint8_t { kNothing, kSomething };
  enum class Verdict : std::uint8_t {
    kAgain,    ///< after a pause: begin again
    kFinal,    ///< `failure` ends the load
    kStopped,  ///< a stop was requested during the pause
  };
  Verdict decide(const Error& failure, Gain gain, const std::stop_token& stop);
  /// What the user must hear at the end; nullopt when the load never began again.
  std::optional<std::string> note() const;

 private:
  const std::chrono::milliseconds first_wait_;
  std::uint32_t attempts_ = 0;  // after the first
  std::uint32_t fruitless_ = 0;
  std::string reason_;  // of the last attempt
};

}  // namespace dmskafka
