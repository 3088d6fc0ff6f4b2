#include "sinks/kafka/report_verdict.h"

#include <fmt/format.h>
#include <librdkafka/rdkafka.h>

namespace dmskafka {

ReportVerdict report_verdict(int code) {
  // Kafka has some 130 codes: those that concern one message or topic are named, every other one ends the sink, because a
  // message that is lost in the middle must not be overtaken in silence.
  switch (code) {
    case RD_KAFKA_RESP_ERR_NO_ERROR: return ReportVerdict::kDelivered;
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_INVALID_MSG:
    case RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE:
    case RD_KAFKA_RESP_ERR_INVALID_RECORD:
    case RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP:
    case RD_KAFKA_RESP_ERR__BAD_MSG:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
    case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION: return ReportVerdict::kMessageAtFault;
    case RD_KAFKA_RESP_ERR__PURGE_QUEUE:
    case RD_KAFKA_RESP_ERR__PURGE_INFLIGHT: return ReportVerdict::kPurged;
  }
  return ReportVerdict::kSinkFailed;
}

std::string failure_text(int code) {
  switch (report_verdict(code)) {
    case ReportVerdict::kPurged: return "not acknowledged before the connection to Kafka was closed";
    case ReportVerdict::kDelivered:
    case ReportVerdict::kMessageAtFault:
    case ReportVerdict::kSinkFailed: break;
  }
  const auto error = static_cast<rd_kafka_resp_err_t>(code);
  return fmt::format("{} ({})", rd_kafka_err2str(error), rd_kafka_err2name(error));
}

Error sink_failure(int code, const std::string& text) {
  const std::string words = text.empty() ? failure_text(code) : text;
  switch (code) {
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
      return Error(ErrorCode::kTargetRejected, fmt::format("Kafka refuses us: {}", words));
  }
  return Error(ErrorCode::kProducerFatal, fmt::format("the Kafka producer cannot go on: {}", words))
      .hint("the same command, started again, resumes");
}

}  // namespace dmskafka
