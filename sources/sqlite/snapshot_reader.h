#pragma once
#include <memory>

#include "core/task/source.h"
#include "sources/sqlite/connection.h"

namespace dmskafka::sqlite {

/// Begins one read transaction on `connection`: what it sees stays as it is now until the snapshot goes.
/// Errors: kSourceUnavailable (locked), kSourceRejected, kCancelled.
Result<std::unique_ptr<Snapshot>> open_snapshot(std::unique_ptr<Connection> connection, std::stop_token stop);

}  // namespace dmskafka::sqlite
