#include "sinks/kafka/topic_limits.h"

#include <fmt/format.h>
#include <librdkafka/rdkafka.h>

#include <charconv>
#include <memory>
#include <string_view>

#include "core/base/logging.h"
#include "sinks/kafka/admin_request.h"

namespace dmskafka {
namespace {

struct ResourceRelease {
  void operator()(rd_kafka_ConfigResource_s* resource) const noexcept {
    rd_kafka_ConfigResource_destroy(resource);
  }
};
using ResourceHandle = std::unique_ptr<rd_kafka_ConfigResource_s, ResourceRelease>;

EventHandle describe(rd_kafka_s* client, std::span<const TopicSpec> specs, const std::stop_token& stop) {
  std::vector<ResourceHandle> resources;
  std::vector<rd_kafka_ConfigResource_t*> pointers;
  for (const TopicSpec& spec : specs) {
    resources.emplace_back(rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, spec.name.c_str()));
    pointers.push_back(resources.back().get());
  }
  const auto options = admin_options(client, AdminOperation::kDescribeConfigs);
  const QueueHandle queue(rd_kafka_queue_new(client));
  rd_kafka_DescribeConfigs(client, pointers.data(), pointers.size(), options.get(), queue.get());
  return wait_answer(queue.get(), stop);
}

std::int64_t size_limit(std::string_view topic, std::string_view value, const ProducerTraits& ours) {
  std::int64_t limit = 0;
  std::from_chars(value.data(), value.data() + value.size(), limit);
  if (limit != 0 && limit < ours.message_max_bytes) {
    log_warning(fmt::format(
        "topic {} takes at most {} bytes (max.message.bytes), MessageMaxBytes is {}: larger messages will "
        "be refused unless they compress below it",
        topic, limit, ours.message_max_bytes));
  }
  return limit;
}

void warn_of(std::string_view topic, std::string_view name, std::string_view value,
             const ProducerTraits& ours) {
  if (name == "cleanup.policy" && value.find("compact") != std::string_view::npos) {
    log_warning(fmt::format(
        "topic {} has cleanup.policy={}: Kafka will keep only the last message of each key", topic, value));
  }
  if (name == "compression.type" && value != "producer" && !ours.compression.empty() &&
      value != ours.compression) {
    log_warning(fmt::format("topic {} has compression.type={}: the broker compresses our {} batches again",
                            topic, value, ours.compression));
  }
}

/// The topic's max.message.bytes.
std::int64_t read_entries(const rd_kafka_ConfigResource_t* resource, const ProducerTraits& ours) {
  const std::string_view topic = rd_kafka_ConfigResource_name(resource);
  std::int64_t limit = 0;
  std::size_t count = 0;
  const auto* entries = rd_kafka_ConfigResource_configs(resource, &count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::string_view name = rd_kafka_ConfigEntry_name(entries[i]);
    const char* value = rd_kafka_ConfigEntry_value(entries[i]);
    if (value == nullptr) continue;
    if (name == "max.message.bytes") limit = size_limit(topic, value, ours);
    warn_of(topic, name, value, ours);
  }
  return limit;
}

}  // namespace

std::vector<std::int64_t> read_topic_limits(rd_kafka_s* client, std::span<const TopicSpec> specs,
                                            const ProducerTraits& ours, const std::stop_token& stop) {
  std::vector<std::int64_t> limits(specs.size(), 0);
  const EventHandle answer = describe(client, specs, stop);
  if (!answer) return limits;
  if (const auto code = rd_kafka_event_error(answer.get()); code != RD_KAFKA_RESP_ERR_NO_ERROR) {
    log_debug(fmt::format("the topics' settings cannot be read: {}",
                          describe_error(code, rd_kafka_event_error_string(answer.get()))));
    return limits;
  }
  std::size_t count = 0;
  const auto* resources =
      rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(answer.get()), &count);
  for (std::size_t i = 0; i < count; ++i) {
    if (const auto code = rd_kafka_ConfigResource_error(resources[i]); code != RD_KAFKA_RESP_ERR_NO_ERROR) {
      log_debug(fmt::format("the settings of topic {} cannot be read: {}",
                            rd_kafka_ConfigResource_name(resources[i]),
                            describe_error(code, rd_kafka_ConfigResource_error_string(resources[i]))));
      continue;
    }
    const std::int64_t limit = read_entries(resources[i], ours);
    for (std::size_t spec = 0; spec < specs.size(); ++spec) {
      if (specs[spec].name == rd_kafka_ConfigResource_name(resources[i])) limits[spec] = limit;
    }
  }
  return limits;
}

}  // namespace dmskafka
