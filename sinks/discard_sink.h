#pragma once
#include <memory>

#include "core/task/sink.h"

namespace dmskafka {

/// Counts and drops: measures everything before the sink. Topics have `partitions` of their spec, else 1.
std::unique_ptr<Sink> make_discard_sink(DeliveryListener& listener);

}  // namespace dmskafka
