#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/settings/field_table.h"
#include "core/settings/kafka_settings.h"

namespace dmskafka {

/// AWS's KafkaSettings.
const FieldTable<KafkaSettings>& kafka_table();

/// "host:port[,host:port…]"; IPv6 in brackets. Errors: kInvalidSettings naming the broker that is wrong.
Result<std::vector<std::string>> parse_brokers(std::string_view text);

/// What is wrong with a topic's name, nullopt when nothing. SPEC Topic: "a maximum length of 255 letters and symbols. You can
/// use period (.), underscore (_), and minus (-). … Use either one, but not both of these symbols in the topic name."
std::optional<Error> topic_fault(std::string_view topic);
/// Kafka's own limit on a topic's name, above which DMS's 255 cannot be used.
constexpr std::size_t kKafkaTopicSizeMax = 249;

/// Rules over several members. `at`: the place of the object.
void check_kafka_settings(const KafkaSettings& kafka, const JsonLocation& at, Problems& problems);

/// A local file out of `path`, `file://path`; an ARN is refused with the hint which file to give. "" on an error.
std::string certificate_path(FieldInput& input, std::string_view which);

}  // namespace dmskafka
