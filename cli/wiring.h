#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "cli/task_inputs.h"
#include "core/task/checkpoint_store.h"
#include "core/task/full_load.h"
#include "core/task/source.h"
#include "sinks/kafka/embedded_kafka.h"
#include "sinks/printing_sink.h"

namespace dmskafka {

/// Connects to the source, whichever database it is. `state_file`: beside it a copy of the source may stand while it is loaded;
/// "": nothing is written. Errors: as its open function; kInvalidSettings for one that is not built yet.
Result<std::unique_ptr<Source>> open_source(const SourceSettings& source, const TaskSettings& task,
                                            std::stop_token stop, const std::string& state_file = "");

/// A load wants full batches, and ends when nothing moves any more; following changes wants them soon, and waits.
enum class SinkUse : std::uint8_t { kLoad, kFollow };

/// The sink of a real task. `consumed` gets what kafka:embedded delivers; other targets never call it. The settings are
/// copied into the factory.
SinkFactory sink_factory(const TargetSettings& target, const TaskSettings& task, const std::string& task_id,
                         SinkUse use, ConsumedCallback consumed);

/// How many partitions the topics have now, 0 for one that does not exist; nothing is made. A preview waits a few seconds for
/// the broker, not longer. REQUIRES: target.kind is kKafka.
Result<std::vector<std::int32_t>> partition_counts(const TargetSettings& target, const TaskSettings& task,
                                                   const std::string& task_id,
                                                   std::span<const TopicSpec> topics, std::stop_token stop);

/// The sink of a preview: prints, and sends nothing.
SinkFactory preview_sink_factory(const PrintingSinkOptions& options);

}  // namespace dmskafka
