#include "sinks/kafka/admin_request.h"

#include <fmt/format.h>
#include <librdkafka/rdkafka.h>

namespace dmskafka {
namespace {
constexpr int kRequestTimeoutMs = 15'000;
}

void AdminOptionsRelease::operator()(rd_kafka_AdminOptions_s* options) const noexcept {
  rd_kafka_AdminOptions_destroy(options);
}

AdminOptionsHandle admin_options(rd_kafka_s* client, AdminOperation operation) {
  const bool creating = operation == AdminOperation::kCreateTopics;
  AdminOptionsHandle options(rd_kafka_AdminOptions_new(
      client, creating ? RD_KAFKA_ADMIN_OP_CREATETOPICS : RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS));
  // The values are in range, so neither call can fail.
  char text[256];
  rd_kafka_AdminOptions_set_request_timeout(options.get(), kRequestTimeoutMs, text, sizeof text);
  if (creating) {
    rd_kafka_AdminOptions_set_operation_timeout(options.get(), kRequestTimeoutMs / 2, text, sizeof text);
  }
  return options;
}

EventHandle wait_answer(rd_kafka_queue_s* queue, const std::stop_token& stop) {
  constexpr int kSliceMs = 100;
  while (!stop.stop_requested()) {
    if (EventHandle event{rd_kafka_queue_poll(queue, kSliceMs)}) return event;
  }
  return nullptr;
}

std::string describe_error(int code, const char* text) {
  const auto error = static_cast<rd_kafka_resp_err_t>(code);
  return fmt::format("{} ({})", text != nullptr ? text : rd_kafka_err2str(error), rd_kafka_err2name(error));
}

}  // namespace dmskafka
