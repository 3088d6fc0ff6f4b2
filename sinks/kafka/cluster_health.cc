#include "sinks/kafka/cluster_health.h"

#include <fmt/format.h>
#include <librdkafka/rdkafka.h>

namespace dmskafka {

void ClusterHealth::note_error(int code, std::string_view text) {
  // "3/3 brokers are down" says less than the error before it.
  if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) return;
  MutexLock lock(mutex_);
  last_error_ = text;
  if (code == RD_KAFKA_RESP_ERR__AUTHENTICATION) {
    rejection_ = Error(ErrorCode::kTargetRejected, fmt::format("Kafka refuses the login: {}", text))
                     .hint("check SaslUsername, SaslPassword and SaslMechanism");
  } else if (code == RD_KAFKA_RESP_ERR__SSL && !answered_) {
    rejection_ =
        Error(ErrorCode::kTargetRejected, fmt::format("no TLS connection to Kafka: {}", text))
            .hint("check SecurityProtocol, SslCaCertificateArn and SslEndpointIdentificationAlgorithm");
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
