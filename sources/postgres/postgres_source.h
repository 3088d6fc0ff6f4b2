#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <stop_token>

#include "core/settings/source_settings.h"
#include "core/task/source.h"

namespace dmskafka {

/// What of the task concerns a PostgreSQL source.
struct PostgresOptions {
  std::uint32_t connections_max = 32;
  bool lock_tables = true;
  /// Values that the log does not repeat are asked for (UnchangedToast fetch).
  bool fetch_unchanged = false;
  /// How long a new slot waits for the transactions that are under way; 0: for ever.
  std::chrono::seconds transaction_wait{0};
};

/// Connects. Errors: kSourceUnavailable (host, port, not accepting), kSourceRejected (password, database, role, TLS).
Result<std::unique_ptr<Source>> open_postgres_source(const SourceSettings& settings,
                                                     const PostgresOptions& options, std::stop_token stop);

}  // namespace dmskafka
