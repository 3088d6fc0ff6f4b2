#include <fmt/format.h>

#include <array>

#include "core/settings/kafka_properties.h"
#include "core/settings/task_tables.h"

namespace dmskafka {
namespace {

using T = TaskSettings;

constexpr std::array<std::string_view, 3> kDialects = {"dms", "dms-strict", "documented"};
constexpr std::array<std::string_view, 2> kDeliveries = {"at-least-once", "exactly-once"};
constexpr std::array<std::string_view, 2> kPartitioners = {"murmur2_random", "consistent_random"};
constexpr std::array<std::string_view, 3> kToasts = {"omit", "placeholder", "fetch"};

void read_delivery(FieldInput& input, T& into) {
  const auto index = input.choice(kDeliveries);
  if (!index) return;
  into.dmskafka.delivery = static_cast<Delivery>(*index);
  if (into.dmskafka.delivery == Delivery::kExactlyOnce) {
    input.fail(input.problem("Delivery exactly-once is not built yet").expected("at-least-once"));
  }
}

// A property's value: librdkafka takes text, people write numbers and booleans too.
std::optional<std::string> property_text(FieldInput& input) {
  const JsonValue& value = input.value();
  if (value.kind() == JsonKind::kNumber) return std::string(value.number_text());
  if (value.kind() == JsonKind::kBoolean) return value.boolean() ? "true" : "false";
  return input.text();
}

template <typename Take>
void read_map(FieldInput& input, Take take) {
  if (!input.value().is_object()) {
    input.fail(input.problem(fmt::format("{} is {}", input.name(), json_kind_name(input.value().kind())))
                   .expected("an object"));
    return;
  }
  for (const JsonMember& member : input.value().members()) {
    if (member.value.is_null()) continue;
    FieldInput property(input.name(), member.name, member.value, input.place(), input.problems());
    if (auto text = property_text(property)) take(member.name, std::move(*text), property);
  }
}

void read_kafka_properties(FieldInput& input, T& into) {
  read_map(input, [&](std::string_view name, std::string text, FieldInput& property) {
    if (const auto instead = owned_property(name)) {
      property.fail(property.problem(fmt::format("KafkaProperties cannot set {}", name)).hint(*instead));
    } else {
      into.dmskafka.kafka_properties[std::string(name)] = std::move(text);
    }
  });
}

FieldTable<T> make_topic_table() {
  return {
      "DmskafkaSettings.Topic",
      "Topics that do not exist are made so.",
      {
          optional_integer_field<T>("Partitions", DMSKAFKA_MEMBER(dmskafka.topic_partitions), {1, 100'000},
                                    "the broker's", "partitions of a topic that is made"),
          optional_integer_field<T>("ReplicationFactor", DMSKAFKA_MEMBER(dmskafka.topic_replication_factor),
                                    {1, 1'000}, "the broker's", "replicas of a topic that is made"),
          Field<T>{{"Config", "object", "the broker's", "", Verdict::kHonoured,
                    "further properties of a topic that is made, e.g. cleanup.policy"},
                   [](FieldInput& input, T& into) {
                     read_map(input, [&](std::string_view name, std::string text, FieldInput&) {
                       into.dmskafka.topic_config[std::string(name)] = std::move(text);
                     });
                   }},
      }};
}

}  // namespace

const TaskTable& topic_table() {
  static const TaskTable table = make_topic_table();
  return table;
}

TaskTable make_dmskafka_table() {
  return {
      "DmskafkaSettings",
      "Ours: what AWS does not have.",
      {
          choice_field<T>(
              "Dialect", DMSKAFKA_MEMBER(dmskafka.dialect), kDialects,
              "whose habits messages have (docs/dialects.md): dms, as DMS but exact; dms-strict, with DMS's "
              "losses; documented, as AWS's page on Kafka says"),
          Field<T>{{"Delivery", "choice", "at-least-once", choices_text(kDeliveries), Verdict::kHonoured,
                    "exactly-once is not built yet and refused"},
                   read_delivery},
          choice_field<T>(
              "Partitioner", DMSKAFKA_MEMBER(dmskafka.partitioner), kPartitioners,
              "murmur2_random: as every Java producer; consistent_random: as librdkafka (CRC-32), and the "
              "default in the dialect dms-strict"),
          choice_field<T>(
              "UnchangedToast", DMSKAFKA_MEMBER(dmskafka.unchanged_toast), kToasts,
              "a long value that PostgreSQL did not log again: omit leaves it out and names it in "
              "unchanged-columns; placeholder writes __dmskafka_unchanged_value; fetch asks for the value "
              "that the "
              "row has now, and names it there all the same"),
          Field<T>{{"Topic", "object", "", "", Verdict::kHonoured, "see DmskafkaSettings.Topic"},
                   [](FieldInput& input, T& into) {
                     topic_table().read(input.value(), into, {input.problems(), input.place(), false, {}});
                   }},
          Field<T>{{"KafkaProperties", "object", "", "", Verdict::kHonoured,
                    "any property of librdkafka's producer; those that dmskafka owns are refused by name"},
                   read_kafka_properties},
          boolean_field<T>(
              "TaskControlRecords", DMSKAFKA_MEMBER(dmskafka.task_control_records),
              "control records task-start and task-resume when changes begin to be followed; true in the "
              "dialect documented unless set"),
          integer_field<T>("TransactionRecordsMax", DMSKAFKA_MEMBER(dmskafka.transaction_records_max),
                           {0, INT64_MAX}, "")
              .not_yet("exactly-once delivery"),
          integer_field<T>("MaxThreads", DMSKAFKA_MEMBER(dmskafka.max_threads), {1, 512},
                           "bound of ParallelLoadThreads and ParallelApplyThreads"),
          integer_field<T>("MaxConnections", DMSKAFKA_MEMBER(dmskafka.max_connections), {1, 512},
                           "most connections to the source at once"),
          optional_integer_field<T>(
              "StallTimeout", DMSKAFKA_MEMBER(dmskafka.stall_timeout_s), {0, 31'536'000}, "900",
              "seconds without any acknowledgement after which the task ends with status 5; 0: never"),
          boolean_field<T>(
              "LockTables", DMSKAFKA_MEMBER(dmskafka.lock_tables),
              "ACCESS SHARE on PostgreSQL tables while they are loaded, so that no DDL changes them"),
          boolean_field<T>(
              "AllowPartialImages", DMSKAFKA_MEMBER(dmskafka.allow_partial_images),
              "changes of MySQL without all columns (binlog_row_image is not FULL) are sent with "
              "what is known; else they end the task"),
          optional_integer_field<T>("ServerId", DMSKAFKA_MEMBER(dmskafka.server_id), {1, 4'294'967'295}, "",
                                    "our number among the replicas of MySQL or MariaDB, which no other may "
                                    "have; unset: made from the task's id"),
          integer_field<T>("DataErrorBytesMax", DMSKAFKA_MEMBER(dmskafka.data_error_bytes_max),
                           {1, INT64_MAX},
                           "bytes of failed records kept in the state file; the task stops beyond"),
      }};
}

}  // namespace dmskafka
