#include "sinks/kafka/topic_admin.h"

#include <fmt/format.h>
#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <memory>
#include <string_view>
#include <thread>

#include "core/base/logging.h"
#include "sinks/kafka/admin_request.h"

namespace dmskafka {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kWarnAfter{5000};
constexpr milliseconds kTopicReadyTimeout{30000};
constexpr milliseconds kBrokerCreatesTimeout{10000};
// Above this many topics one answer with all of the cluster's topics is quicker than one question each.
constexpr std::size_t kQuestionsMax = 32;

struct MetadataRelease {
  void operator()(const rd_kafka_metadata_t* metadata) const noexcept { rd_kafka_metadata_destroy(metadata); }
};
using MetadataHandle = std::unique_ptr<const rd_kafka_metadata_t, MetadataRelease>;
struct NewTopicRelease {
  void operator()(rd_kafka_NewTopic_s* topic) const noexcept { rd_kafka_NewTopic_destroy(topic); }
};
using NewTopicHandle = std::unique_ptr<rd_kafka_NewTopic_s, NewTopicRelease>;

bool is_refused_right(rd_kafka_resp_err_t code) {
  return code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ||
         code == RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED;
}

/// One answer to "what is this topic", or the code of a question that got none.
struct MetadataAnswer {
  MetadataHandle metadata;
  rd_kafka_resp_err_t code;
};
MetadataAnswer ask_metadata(rd_kafka_s* client, rd_kafka_topic_s* topic, milliseconds wait) {
  const rd_kafka_metadata_t* metadata = nullptr;
  const auto code =
      rd_kafka_metadata(client, topic == nullptr ? 1 : 0, topic, &metadata, static_cast<int>(wait.count()));
  return {MetadataHandle(metadata), code};
}

const rd_kafka_metadata_topic* find_topic(const rd_kafka_metadata_t& metadata, const std::string& name) {
  const std::span<const rd_kafka_metadata_topic> topics(metadata.topics,
                                                        static_cast<std::size_t>(metadata.topic_cnt));
  const auto found =
      std::find_if(topics.begin(), topics.end(), [&](const auto& topic) { return name == topic.topic; });
  return found == topics.end() ? nullptr : &*found;
}

Error cancelled() { return {ErrorCode::kCancelled, "stopped"}; }

}  // namespace

Result<std::vector<TopicFacts>> TopicAdmin::open(std::span<const TopicSpec> specs,
                                                 const std::stop_token& stop) {
  DMSKAFKA_ASSIGN(std::vector<Standing> standings, look_up(specs, stop));
  std::vector<const TopicSpec*> missing;
  for (std::size_t i = 0; i < specs.size(); ++i) {
    const bool named = std::any_of(missing.begin(), missing.end(),
                                   [&](const auto* one) { return one->name == specs[i].name; });
    if (standings[i].kind == Standing::Kind::kMissing && !named) missing.push_back(&specs[i]);
  }
  if (!missing.empty()) DMSKAFKA_TRY(create(missing, stop));
  const bool ready = std::all_of(standings.begin(), standings.end(), [](const Standing& standing) {
    return standing.kind == Standing::Kind::kReady;
  });
  if (!ready) {
    DMSKAFKA_ASSIGN(standings, wait_ready(specs, stop));
  }
  std::vector<TopicFacts> facts(specs.size());
  std::vector<std::int64_t> limits(specs.size(), 0);
  if (controller_known_) limits = read_topic_limits(parts_.client, specs, parts_.ours, stop);
  for (std::size_t i = 0; i < specs.size(); ++i) facts[i] = {standings[i].partition_count, limits[i]};
  if (stop.stop_requested()) return cancelled();
  return facts;
}

Result<std::vector<std::int32_t>> TopicAdmin::partition_counts(std::span<const TopicSpec> specs,
                                                               const std::stop_token& stop) {
  DMSKAFKA_ASSIGN(const std::vector<Standing> standings, look_up(specs, stop));
  std::vector<std::int32_t> counts;
  for (const Standing& standing : standings) counts.push_back(standing.partition_count);
  return counts;
}

Error TopicAdmin::no_broker() const {
  const std::string last = parts_.health.last_error();
  return {ErrorCode::kTargetUnavailable,
          fmt::format("no Kafka broker answers at {} within {} s{}", parts_.brokers,
                      std::chrono::duration_cast<std::chrono::seconds>(parts_.connect_timeout).count(),
                      last.empty() ? "" : ": " + last)};
}

Result<std::vector<TopicAdmin::Standing>> TopicAdmin::look_up(std::span<const TopicSpec> specs,
                                                              const std::stop_token& stop) {
  const TimePoint start = steady_clock::now();
  bool warned = false;
  // A question that is given up loses its answer, so each waits longer than the one before; the first is short for a
  // quick stop and a quick "login refused".
  milliseconds wait{250};
  for (;;) {
    if (stop.stop_requested()) return cancelled();
    const auto left = std::chrono::ceil<milliseconds>(start + parts_.connect_timeout - steady_clock::now());
    if (left.count() <= 0) return no_broker();
    auto standings = look_up_once(specs, std::min(wait, left));
    if (standings || standings.error().code() != ErrorCode::kTargetUnavailable) return standings;
    if (auto rejection = parts_.health.rejection()) return *rejection;
    wait = std::min(wait * 3 / 2, milliseconds(3000));
    if (!warned && steady_clock::now() - start >= kWarnAfter) {
      warned = true;
      const std::string last = parts_.health.last_error();
      log_warning(fmt::format("no Kafka broker answers yet at {}{}; waiting", parts_.brokers,
                              last.empty() ? "" : " (" + last + ")"));
    }
  }
}

Result<std::vector<TopicAdmin::Standing>> TopicAdmin::look_up_once(std::span<const TopicSpec> specs,
                                                                   milliseconds wait) {
  std::vector<Standing> standings(specs.size());
  MetadataAnswer all{nullptr, RD_KAFKA_RESP_ERR_NO_ERROR};
  if (specs.size() > kQuestionsMax) all = ask_metadata(parts_.client, nullptr, wait);
  for (std::size_t i = 0; i < specs.size(); ++i) {
    MetadataAnswer one{nullptr, all.code};
    if (specs.size() <= kQuestionsMax) {
      const TopicHandle topic(rd_kafka_topic_new(parts_.client, specs[i].name.c_str(), nullptr));
      if (!topic)
        return Error(ErrorCode::kTargetRejected, fmt::format("impossible topic name \"{}\"", specs[i].name));
      one = ask_metadata(parts_.client, topic.get(), wait);
    }
    if (one.code != RD_KAFKA_RESP_ERR_NO_ERROR) {
      return Error(ErrorCode::kTargetUnavailable, describe_error(one.code, nullptr));
    }
    parts_.health.note_answer();
    note_controller(one.metadata ? *one.metadata : *all.metadata);
    const auto* found = find_topic(one.metadata ? *one.metadata : *all.metadata, specs[i].name);
    if (found == nullptr || found->err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) continue;
    if (is_refused_right(found->err)) {
      return Error(ErrorCode::kTargetRejected,
                   fmt::format("topic {}: {}", specs[i].name, describe_error(found->err, nullptr)))
          .hint("we need the rights Describe and Write on the topic, and Create where it does not exist");
    }
    if (found->err == RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION) {
      return Error(ErrorCode::kTargetRejected,
                   fmt::format("topic {}: {}", specs[i].name, describe_error(found->err, nullptr)));
    }
    const std::span<const rd_kafka_metadata_partition> partitions(
        found->partitions, static_cast<std::size_t>(found->partition_cnt));
    const bool led = found->err == RD_KAFKA_RESP_ERR_NO_ERROR && !partitions.empty() &&
                     std::all_of(partitions.begin(), partitions.end(),
                                 [](const auto& partition) { return partition.leader >= 0; });
    standings[i] = {led ? Standing::Kind::kReady : Standing::Kind::kWithoutLeader, found->partition_cnt};
  }
  return standings;
}

void TopicAdmin::note_controller(const rd_kafka_metadata_t& metadata) {
  const std::span<const rd_kafka_metadata_broker> brokers(metadata.brokers,
                                                          static_cast<std::size_t>(metadata.broker_cnt));
  const std::int32_t controller = rd_kafka_controllerid(parts_.client, 0);
  controller_known_ = std::any_of(brokers.begin(), brokers.end(),
                                  [&](const auto& broker) { return broker.id == controller; });
}

Result<void> TopicAdmin::create(std::span<const TopicSpec* const> missing, const std::stop_token& stop) {
  std::vector<NewTopicHandle> topics;
  std::vector<rd_kafka_NewTopic_t*> pointers;
  char text[512];
  for (const TopicSpec* spec : missing) {
    // −1: the broker's own default, which brokers know since 2.4.
    topics.emplace_back(rd_kafka_NewTopic_new(spec->name.c_str(), spec->partitions.value_or(-1),
                                              spec->replication_factor.value_or(-1), text, sizeof text));
    if (!topics.back())
      return Error(ErrorCode::kTargetRejected, fmt::format("topic {}: {}", spec->name, text));
    for (const auto& [name, value] : spec->config) {
      rd_kafka_NewTopic_set_config(topics.back().get(), name.c_str(), value.c_str());
    }
    pointers.push_back(topics.back().get());
  }
  const auto options = admin_options(parts_.client, AdminOperation::kCreateTopics);
  const QueueHandle queue(rd_kafka_queue_new(parts_.client));
  rd_kafka_CreateTopics(parts_.client, pointers.data(), pointers.size(), options.get(), queue.get());
  const EventHandle answer = wait_answer(queue.get(), stop);
  if (!answer) return cancelled();
  if (const auto code = rd_kafka_event_error(answer.get()); code != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return Error(
        ErrorCode::kTargetUnavailable,
        fmt::format("creating topics: {}", describe_error(code, rd_kafka_event_error_string(answer.get()))));
  }
  std::size_t count = 0;
  const auto* results =
      rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(answer.get()), &count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::string_view name = rd_kafka_topic_result_name(results[i]);
    const auto code = rd_kafka_topic_result_error(results[i]);
    const auto* spec =
        *std::find_if(missing.begin(), missing.end(), [&](const auto* one) { return one->name == name; });
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
      log_info(fmt::format("created topic {}", name));
    } else if (is_refused_right(code)) {
      DMSKAFKA_TRY(
          let_broker_create(*spec, describe_error(code, rd_kafka_topic_result_error_string(results[i]))));
    } else if (code != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) {
      return Error(ErrorCode::kTargetRejected,
                   fmt::format("topic {} does not exist and cannot be created: {}", name,
                               describe_error(code, rd_kafka_topic_result_error_string(results[i]))));
    }
  }
  return {};
}

Result<void> TopicAdmin::let_broker_create(const TopicSpec& spec, const std::string& why) {
  log_warning(
      fmt::format("not allowed to create topic {}: {}; asking the broker to create it with its own defaults",
                  spec.name, why));
  creation_refused_ = why;
  // A producer's question for a topic makes the broker create it, where auto.create.topics.enable is true.
  DMSKAFKA_ASSIGN(const ClientHandle client, make_producer(parts_.producer));
  const TopicHandle topic(rd_kafka_topic_new(client.get(), spec.name.c_str(), nullptr));
  if (!topic) return {};
  const MetadataAnswer answer = ask_metadata(client.get(), topic.get(), kBrokerCreatesTimeout);
  const auto* found = answer.metadata ? find_topic(*answer.metadata, spec.name) : nullptr;
  if (found != nullptr && is_refused_right(found->err)) return not_creatable(spec.name);
  return {};  // whether the broker does it, wait_ready() sees
}

Error TopicAdmin::not_creatable(const std::string& name) const {
  return Error(ErrorCode::kTargetRejected,
               fmt::format("topic {} does not exist{}", name,
                           creation_refused_.empty() ? "" : " and cannot be created: " + creation_refused_))
      .hint("create it, or allow us to (Create on the topic, or auto.create.topics.enable)");
}

Result<std::vector<TopicAdmin::Standing>> TopicAdmin::wait_ready(std::span<const TopicSpec> specs,
                                                                 const std::stop_token& stop) {
  const TimePoint deadline =
      steady_clock::now() + (creation_refused_.empty() ? kTopicReadyTimeout : kBrokerCreatesTimeout);
  milliseconds pause{5};
  for (;;) {
    DMSKAFKA_ASSIGN(std::vector<Standing> standings, look_up(specs, stop));
    const auto waiting = std::find_if(standings.begin(), standings.end(), [](const Standing& standing) {
      return standing.kind != Standing::Kind::kReady;
    });
    if (waiting == standings.end()) return standings;
    if (steady_clock::now() >= deadline) {
      const std::string& name = specs[static_cast<std::size_t>(waiting - standings.begin())].name;
      if (waiting->kind == Standing::Kind::kWithoutLeader) {
        return Error(ErrorCode::kTargetUnavailable,
                     fmt::format("topic {} has partitions without a leader", name));
      }
      return not_creatable(name);
    }
    std::this_thread::sleep_for(pause);  // the cluster tells nobody when it is ready
    pause = std::min(pause * 2, milliseconds(200));
  }
}

}  // namespace dmskafka
