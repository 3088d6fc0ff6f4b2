#pragma once
#include <memory>
#include <string>

#include "core/base/result.h"

namespace dmskafka {

/// One process at a time on a state file: a lock that the kernel drops when the process dies, however it dies.
///
/// It is a flock(2) on a file of its own, `<state file>.lock`, because
///  - any close() of the database file itself would drop the POSIX locks that SQLite holds on it in this process;
///  - a POSIX lock would not keep two stores of one process apart, and an OFD lock cannot name its holder.
/// The holder's pid stands in the file for the message; only the lock itself decides. Thread: one at a time.
class StateFileLock {
 public:
  /// Errors: kStateFile: held by another process (with its pid), or the lock file cannot be made.
  static Result<std::unique_ptr<StateFileLock>> acquire(const std::string& state_file);
  /// Removes the lock file and lets go.
  ~StateFileLock();
  StateFileLock(const StateFileLock&) = delete;
  StateFileLock& operator=(const StateFileLock&) = delete;

 private:
  StateFileLock(std::string path, int descriptor) : path_(std::move(path)), descriptor_(descriptor) {}
  const std::string path_;
  const int descriptor_;
};

}  // namespace dmskafka
