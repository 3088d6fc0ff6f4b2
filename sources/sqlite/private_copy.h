#pragma once
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "sources/sqlite/connection.h"

namespace dmskafka::sqlite {

/// Why a copy of `database` cannot be put at `path`, in words; nullopt when it can. A guess: others use the disk too.
std::optional<std::string> copy_obstacle(Connection& database, const std::string& path);

/// Copies the database as it is now to `path`, and opens the copy. Writers wait only while it is copied. The name is removed
/// at once: nothing is left behind however the process ends, unless it is killed while it copies; what such a one left is
/// replaced. Errors: kCancelled; kSourceUnavailable (locked); kStateFile when `path` cannot be written, which leaves nothing.
Result<std::unique_ptr<Connection>> open_private_copy(Connection& database, const std::string& path,
                                                      const std::stop_token& stop);

}  // namespace dmskafka::sqlite
