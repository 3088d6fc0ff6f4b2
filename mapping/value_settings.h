#pragma once
#include <cstddef>

#include "core/settings/kafka_settings.h"
#include "core/settings/task_settings.h"

namespace dmskafka {

/// What of the settings shapes values, beside the column itself.
struct ValueSettings {
  bool strict = false;            ///< dialect dms-strict: DMS's own lossy forms
  bool large_integers = false;    ///< UseLargeIntegerValue; only strict asks
  bool hex_prefix = true;         ///< not NoHexPrefix
  std::size_t lob_bytes_max = 0;  ///< LimitedSizeLobMode, LobMaxSize; 0: nothing is cut

  static ValueSettings of(const KafkaSettings& kafka, const TaskSettings& task) {
    ValueSettings settings;
    settings.strict = task.dmskafka.dialect == Dialect::kDmsStrict;
    settings.large_integers = kafka.use_large_integer_value;
    settings.hex_prefix = !kafka.no_hex_prefix;
    settings.lob_bytes_max = static_cast<std::size_t>(task.lob_max_kilobytes.value_or(0)) * 1024;
    return settings;
  }
};

}  // namespace dmskafka
