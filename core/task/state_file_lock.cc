#include "core/task/state_file_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>

namespace dmskafka {
namespace {

Error cannot_lock(const std::string& path, int error) {
  Error result(ErrorCode::kStateFile, fmt::format("cannot lock {}: {}", path, std::strerror(error)));
  if (error == EACCES || error == EPERM || error == EROFS || error == ENOENT || error == ENOTDIR) {
    return std::move(result).hint(
        "the state file needs an existing directory that can be written; choose one with --state");
  }
  return result;
}

std::string holder_text(int descriptor) {
  char text[32] = {};
  const ssize_t size = pread(descriptor, text, sizeof text - 1, 0);
  const std::string_view pid(text, size > 0 ? static_cast<std::size_t>(size) : 0);
  const std::string_view digits = pid.substr(0, pid.find('\n'));
  // Between its lock and its first write a holder has no pid here yet.
  return digits.empty() ? std::string("another process") : fmt::format("process {}", digits);
}

/// A holder that ends removes the file; a descriptor of the removed one locks nothing anybody else sees.
bool still_at_path(int descriptor, const std::string& path) {
  struct stat opened {};
  struct stat named {};
  return fstat(descriptor, &opened) == 0 && stat(path.c_str(), &named) == 0 &&
         opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

}  // namespace

Result<std::unique_ptr<StateFileLock>> StateFileLock::acquire(const std::string& state_file) {
  const std::string path = state_file + ".lock";
  for (;;) {
    const int descriptor = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (descriptor < 0) return cannot_lock(path, errno);
    if (flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
      const int error = errno;
      const std::string holder = holder_text(descriptor);
      ::close(descriptor);
      if (error == EINTR) continue;
      if (error != EWOULDBLOCK) return cannot_lock(path, error);
      return Error(ErrorCode::kStateFile,
                   fmt::format("the state file {} is in use by {}", state_file, holder))
          .hint(
              "one process at a time works on a task: wait for it, stop it, or give this one its own "
              "--state");
    }
    if (!still_at_path(descriptor, path)) {
      ::close(descriptor);
      continue;
    }
    std::unique_ptr<StateFileLock> lock(new StateFileLock(path, descriptor));
    const std::string pid = fmt::format("{}\n", getpid());
    if (ftruncate(descriptor, 0) != 0 || pwrite(descriptor, pid.data(), pid.size(), 0) < 0) {
      return cannot_lock(path, errno);
    }
    return lock;
  }
}

StateFileLock::~StateFileLock() {
  // Unlinked while still held: whoever opened it meanwhile notices in still_at_path() and tries again.
  unlink(path_.c_str());
  ::close(descriptor_);
}

}  // namespace dmskafka
