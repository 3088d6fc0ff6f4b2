#include "sinks/kafka/cluster_health.h"

#include <fmt/format.h>
#include <librdkafka/rdkafka.h>

namespace dmskafka {

namespace {

/// Without librdkafka's "(after 0ms in state CONNECT, 3 identical error(s) suppressed)".
std::string_view without_state(std::string_view text) {
  const std::size_t suffix = text.rfind(" (after ");
  if (suffix == std::string_view::npos || text.find(" in state ", suffix) == std::string_view::npos)
    return text;
  return text.substr(0, suffix);
}

/// A failed handshake has a code of its own, but in TLS 1.3 the broker's answer to our certificate comes after it.
bool is_tls_refusal(int code, std::string_view text) {
  return code == RD_KAFKA_RESP_ERR__SSL || text.find("SSL alert number") != std::string_view::npos;
}

}  // namespace

void ClusterHealth::note_error(int code, std::string_view words) {
  const std::string_view text = without_state(words);
  // "3/3 brokers are down" says less than the error before it.
  if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) return;
  MutexLock lock(mutex_);
  last_error_ = text;
  if (code == RD_KAFKA_RESP_ERR__AUTHENTICATION) {
    rejection_ = Error(ErrorCode::kTargetRejected, fmt::format("Kafka refuses the login: {}", text))
                     .hint("check SaslUsername, SaslPassword and SaslMechanism");
  } else if (is_tls_refusal(code, text) && !answered_) {
    rejection_ = Error(ErrorCode::kTargetRejected, fmt::format("no TLS connection to Kafka: {}", text))
                     .hint("check SecurityProtocol, the certificates and SslEndpointIdentificationAlgorithm");
  }
}

void ClusterHealth::note_answer() {
  MutexLock lock(mutex_);
  answered_ = true;
  rejection_.reset();
}

std::optional<Error> ClusterHealth::rejection() const {
  MutexLock lock(mutex_);
  return rejection_;
}

std::string ClusterHealth::last_error() const {
  MutexLock lock(mutex_);
  return last_error_;
}

}  // namespace dmskafka
