#include "sources/sqlite/private_copy.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

namespace dmskafka::sqlite {
namespace {

namespace fs = std::filesystem;

/// Between two of these a stop request is seen.
constexpr int kPagesPerStep = 4096;
/// Left free on the disk beside the copy: the state file and the log need room too.
constexpr std::uint64_t kSpareBytes = 64 << 20;

Error not_copied(const std::string& path, std::string_view why) {
  return Error(ErrorCode::kStateFile, fmt::format("cannot copy the database to {}: {}", path, why));
}

/// A file that is gone when the scope ends.
class TemporaryFile {
 public:
  /// Only its owner may read it, as the database may hold anything.
  static Result<std::unique_ptr<TemporaryFile>> create(const std::string& path) {
    unlink(path.c_str());
    const int descriptor = open(path.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
    if (descriptor < 0) return not_copied(path, std::strerror(errno));
    close(descriptor);
    return std::unique_ptr<TemporaryFile>(new TemporaryFile(path));
  }
  ~TemporaryFile() {
    unlink(path_.c_str());
    unlink((path_ + "-journal").c_str());
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

 private:
  explicit TemporaryFile(std::string path) : path_(std::move(path)) {}
  const std::string path_;
};

struct CloseDatabase {
  void operator()(sqlite3* handle) const noexcept { sqlite3_close_v2(handle); }
};
struct FinishBackup {
  void operator()(sqlite3_backup* backup) const noexcept { sqlite3_backup_finish(backup); }
};

Result<void> copy_pages(Connection& database, const std::string& path, const std::stop_token& stop) {
  sqlite3* handle = nullptr;
  const int opened =
      sqlite3_open_v2(path.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  const std::unique_ptr<sqlite3, CloseDatabase> copy(handle);
  if (opened != SQLITE_OK) return not_copied(path, sqlite3_errstr(opened));
  // Nobody else knows the file, and it is of no use after a crash.
  sqlite3_exec(handle, "PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF", nullptr, nullptr, nullptr);
  const std::unique_ptr<sqlite3_backup, FinishBackup> backup(
      sqlite3_backup_init(handle, "main", database.handle(), "main"));
  if (!backup) return not_copied(path, sqlite3_errmsg(handle));
  for (;;) {
    if (stop.stop_requested()) return Error(ErrorCode::kCancelled, "stopped");
    const int code = sqlite3_backup_step(backup.get(), kPagesPerStep);
    if (code == SQLITE_DONE) return {};
    if (code != SQLITE_OK) return not_copied(path, sqlite3_errstr(code));
  }
}

}  // namespace

std::optional<std::string> copy_obstacle(Connection& database, const std::string& path) {
  const auto pages = database.number("PRAGMA page_count");
  const auto page_size = database.number("PRAGMA page_size");
  if (!pages || !page_size) return "its size is not known";
  std::error_code failed;
  const fs::path folder = fs::path(path).parent_path();
  const fs::space_info space = fs::space(folder, failed);
  if (failed) return fmt::format("{}: {}", folder.string(), failed.message());
  const auto bytes = static_cast<std::uint64_t>(pages.value() * page_size.value());
  if (space.available >= bytes + kSpareBytes) return std::nullopt;
  return fmt::format("{} has {} MB free, and a copy takes {} MB", folder.string(),
                     space.available / 1'000'000, (bytes + kSpareBytes) / 1'000'000);
}

Result<std::unique_ptr<Connection>> open_private_copy(Connection& database, const std::string& path,
                                                      const std::stop_token& stop) {
  DMSKAFKA_ASSIGN(const std::unique_ptr<TemporaryFile> file, TemporaryFile::create(path));
  database.set_stop(stop);
  // Under one read transaction all pages are of one moment; without it each change by others would begin the copy anew.
  DMSKAFKA_TRY(database.execute("BEGIN"));
  auto locked = database.number("SELECT count(*) FROM sqlite_schema");
  Result<void> copied = locked ? copy_pages(database, path, stop) : Result<void>(locked.error());
  DMSKAFKA_TRY(database.execute("COMMIT"));
  DMSKAFKA_TRY(copied);
  return Connection::open(path, database.name());
}

}  // namespace dmskafka::sqlite
