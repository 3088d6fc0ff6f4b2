#include "sources/sqlite/sqlite_source.h"

#include <fmt/format.h>

#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include "core/base/logging.h"
#include "sources/sqlite/catalog.h"
#include "sources/sqlite/connection.h"
#include "sources/sqlite/private_copy.h"
#include "sources/sqlite/snapshot_reader.h"

namespace dmskafka {
namespace {

constexpr std::string_view kWritersWait =
    "programs that write to it wait while it is read, and fail with SQLITE_BUSY once their timeout is over";

class SqliteSource : public Source {
 public:
  SqliteSource(std::unique_ptr<sqlite::Connection> catalog, std::string copy_path)
      : catalog_(std::move(catalog)), copy_path_(std::move(copy_path)) {}

  /// The file's own path without links. CDC will store a random instance UUID in the file and take that for `server`: then a
  /// file that was moved stays the same source, and another file at the same path is told apart.
  Result<SourceIdentity> identity() override {
    return SourceIdentity{"sqlite", catalog_->path(), std::string(sqlite::kSchemaName)};
  }

  Result<std::vector<CatalogTable>> list_tables() override {
    DMSKAFKA_ASSIGN(sqlite::Catalog catalog, sqlite::read_catalog(*catalog_));
    return std::move(catalog.tables);
  }

  Result<std::vector<Result<TableSchema>>> describe_tables(std::span<const TableName> names) override {
    std::vector<Result<TableSchema>> schemas;
    for (const TableName& name : names) {
      auto schema = sqlite::describe_table(*catalog_, name);
      // Only a table's own trouble is reported as such; a locked or vanished file concerns them all.
      if (!schema && schema.error().code() != ErrorCode::kTableUnreadable) return std::move(schema).error();
      schemas.push_back(std::move(schema));
    }
    return schemas;
  }

  Result<std::unique_ptr<Snapshot>> open_snapshot(std::span<const TableSchema* const>,
                                                  std::stop_token stop) override {
    // A connection of its own: the snapshot's reader runs on another thread than the catalogue.
    DMSKAFKA_ASSIGN(auto connection, sqlite::Connection::open(catalog_->path()));
    if (catalog_->replaced()) {
      return Error(ErrorCode::kSourceRejected,
                   fmt::format("sqlite:{}: the file was replaced or removed after its tables were listed",
                               catalog_->path()))
          .hint("run the command again when the file is in its place");
    }
    if (!copy_path_.empty() && writers_wait() && !sqlite::copy_obstacle(*connection, copy_path_)) {
      log_info(fmt::format("copying sqlite:{}, so that programs that write to it need not wait for the load",
                           catalog_->path()));
      auto copy = sqlite::open_private_copy(*connection, copy_path_, stop);
      if (copy) {
        connection = std::move(copy).value();
      } else if (copy.error().code() == ErrorCode::kStateFile) {
        log_warning(fmt::format("{}; it is read itself, and {}", copy.error().message(), kWritersWait));
      } else {
        return std::move(copy).error();
      }
    }
    return sqlite::open_snapshot(std::move(connection), std::move(stop));
  }

  std::vector<std::string> warnings() override {
    std::vector<std::string> texts;
    if (const std::optional<std::string> warning = rollback_journal_warning()) texts.push_back(*warning);
    if (auto catalog = sqlite::read_catalog(*catalog_)) {
      for (const std::string& table : catalog.value().unknown_modules) {
        texts.push_back(fmt::format(
            "sqlite:{}: the virtual table {} needs a module that this program lacks: it cannot be read,"
            " and its internal tables ({}_…) look like ordinary ones; exclude both in the mapping",
            catalog_->path(), table, table));
      }
    }
    return texts;
  }

 private:
  // In WAL mode they go on while we read.
  bool writers_wait() {
    const auto mode = catalog_->text("PRAGMA journal_mode");
    return mode && mode.value() != "wal";
  }

  std::optional<std::string> rollback_journal_warning() {
    if (!writers_wait()) return std::nullopt;
    std::string why_no_copy;
    if (!copy_path_.empty()) {
      const auto obstacle = sqlite::copy_obstacle(*catalog_, copy_path_);
      if (!obstacle) return std::nullopt;
      why_no_copy = fmt::format(" It is not copied: {}.", *obstacle);
    }
    return fmt::format(
        "sqlite:{} uses a rollback journal: {}. In WAL mode (PRAGMA journal_mode=WAL) they would not; or "
        "load "
        "a copy (sqlite3 FILE \".backup COPY\").{}",
        catalog_->path(), kWritersWait, why_no_copy);
  }

  const std::unique_ptr<sqlite::Connection> catalog_;
  const std::string copy_path_;
};

}  // namespace

Result<std::unique_ptr<Source>> open_sqlite_source(const SourceSettings& settings,
                                                   const std::string& copy_path) {
  std::error_code failed;
  const std::filesystem::path path = std::filesystem::canonical(settings.file, failed);
  if (settings.file.empty() || failed) {
    return Error(ErrorCode::kSourceRejected,
                 fmt::format("sqlite:{}: {}", settings.file,
                             settings.file.empty() ? "no file is named" : failed.message()));
  }
  DMSKAFKA_ASSIGN(auto connection, sqlite::Connection::open(path.string()));
  return std::unique_ptr<Source>(std::make_unique<SqliteSource>(std::move(connection), copy_path));
}

}  // namespace dmskafka
