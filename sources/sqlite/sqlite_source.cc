#include "sources/sqlite/sqlite_source.h"

#include <fmt/format.h>

#include <filesystem>
#include <system_error>
#include <utility>

#include "sources/sqlite/catalog.h"
#include "sources/sqlite/connection.h"
#include "sources/sqlite/snapshot_reader.h"

namespace dmskafka {
namespace {

class SqliteSource : public Source {
 public:
  explicit SqliteSource(std::unique_ptr<sqlite::Connection> catalog) : catalog_(std::move(catalog)) {}

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
    return sqlite::open_snapshot(std::move(connection), std::move(stop));
  }

  std::vector<std::string> warnings() override {
    std::vector<std::string> texts;
    const auto mode = catalog_->text("PRAGMA journal_mode");
    if (mode && mode.value() != "wal") {
      texts.push_back(
          fmt::format("sqlite:{} uses a rollback journal (journal_mode={}): programs that write to it wait "
                      "while it is read, and fail with"
                      " SQLITE_BUSY once their timeout is over. In WAL mode (PRAGMA journal_mode=WAL) they "
                      "would not; or load a copy"
                      " (sqlite3 FILE \".backup COPY\").",
                      catalog_->path(), mode.value()));
    }
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
  const std::unique_ptr<sqlite::Connection> catalog_;
};

}  // namespace

Result<std::unique_ptr<Source>> open_sqlite_source(const SourceSettings& settings) {
  std::error_code failed;
  const std::filesystem::path path = std::filesystem::canonical(settings.file, failed);
  if (settings.file.empty() || failed) {
    return Error(ErrorCode::kSourceRejected,
                 fmt::format("sqlite:{}: {}", settings.file,
                             settings.file.empty() ? "no file is named" : failed.message()));
  }
  DMSKAFKA_ASSIGN(auto connection, sqlite::Connection::open(path.string()));
  return std::unique_ptr<Source>(std::make_unique<SqliteSource>(std::move(connection)));
}

}  // namespace dmskafka
