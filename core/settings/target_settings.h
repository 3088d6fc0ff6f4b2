#pragma once
#include <cstdint>
#include <string>

#include "core/settings/kafka_settings.h"

namespace dmskafka {

/// kKafka: a real cluster. kEmbedded: librdkafka's mock cluster inside this process ("kafka:embedded"). kStdout: NDJSON on
/// standard output ("-"). kDiscard: encoded, counted and dropped ("discard:"), to measure everything before the sink.
enum class TargetKind : std::uint8_t { kKafka, kEmbedded, kStdout, kDiscard };

/// A target endpoint. `kafka` holds for every kind: formats, flags and topics shape the message wherever it goes.
struct TargetSettings {
  TargetKind kind = TargetKind::kKafka;
  KafkaSettings kafka;
  /// "kafka://host:9092/topic", "kafka:embedded", "-": without secrets, for messages and the state file.
  std::string display_name() const;
};

}  // namespace dmskafka
