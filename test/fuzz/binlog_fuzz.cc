#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "core/base/log_batch.h"
#include "sources/mysql/followed_tables.h"

// The input is a byte (its lowest bit: MariaDB; the next: partial rows are allowed) and a binary log without its magic number. Any
// bytes are either decoded or refused, without a read past an event's end; what is decoded holds together: every change has its
// table's number of values.

namespace {

using namespace dmskafka;
using namespace dmskafka::mysql;

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "binlog_fuzz: %s\n", what);
  std::abort();
}

class NoCatalog : public TableDescriber {
 public:
  Result<std::optional<TableSchema>> describe(const TableName&) override {
    return std::optional<TableSchema>();
  }
};

/// Follows everything that the log describes by name, and two tables that it does not.
class EveryTable : public TableResolver {
 public:
  explicit EveryTable(Flavour flavour) : tables_(known(), {}, flavour, catalog_) {}

  Result<std::shared_ptr<const RowPlan>> resolve(const TableMap& map) override {
    const TableName name{map.database, map.table};
    if (map.has_names && map.table != "unfollowed" && tables_.find(name) == nullptr) {
      if (auto made = tables_.created(name); !made) return made.error();
    }
    return tables_.resolve(map);
  }
  std::shared_ptr<const TableSchema> find(const TableName& name) override { return tables_.find(name); }
  std::vector<TableName> tables_of(std::string_view database) override { return tables_.tables_of(database); }
  Result<void> created(const TableName& name) override { return tables_.created(name); }
  Result<void> altered(const TableName& name, std::string_view text,
                       const Tokenizer::Options& options) override {
    return tables_.altered(name, text, options);
  }
  Result<void> replaced(const TableName& name, const TableName& by) override {
    return tables_.replaced(name, by);
  }
  void dropped(const TableName& name) override { tables_.dropped(name); }
  Result<std::shared_ptr<const TableSchema>> renamed(const TableName& from, const TableName& to) override {
    return tables_.renamed(from, to);
  }

 private:
  static FollowedTables::Schemas known() {
    auto schema = std::make_shared<TableSchema>();
    schema->name = {"db", "t"};
    ColumnSchema id;
    id.name = "id";
    id.source_type = "int(11)";
    id.nullable = false;
    ColumnSchema text;
    text.name = "name";
    text.source_type = "varchar(20)";
    text.collation = "utf8mb4_general_ci";
    schema->columns = {id, text};
    schema->primary_key = {0};
    return {schema};
  }

  NoCatalog catalog_;
  FollowedTables tables_;
};

void check(const LogBatch& batch) {
  std::size_t sum = 0;
  for (const LogEvent& event : batch.events()) {
    require(event.changes_begin + event.changes_count <= batch.rows().changes().size(),
            "a run past the changes");
    if (event.kind == LogEventKind::kCommit) require(!event.position.empty(), "a commit without a position");
  }
  for (const Change& change : batch.rows().changes()) {
    const std::size_t columns = change.table->columns.size();
    require(change.before.empty() || change.before.size() == columns, "an old row of another width");
    require(change.after.empty() || change.after.size() == columns, "a new row of another width");
    require(change.transaction != nullptr && change.transaction_record > 0, "a change outside a transaction");
    for (const RowView row : {change.before, change.after}) {
      for (const Value& value : row) {
        for (const char c : value.view()) sum += static_cast<unsigned char>(c);
      }
    }
  }
  require(sum + 1 != 0, "");  // the bytes were read
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::uint8_t options_byte = data[0];
  ++data;
  --size;
  BinlogDecoder::Options options;
  options.from.file = "bin.000001";
  options.from.flavour = (options_byte & 1U) != 0 ? Flavour::kMariadb : Flavour::kMysql;
  options.allow_partial_images = (options_byte & 2U) != 0;
  EveryTable tables(options.from.flavour);
  auto decoder = BinlogDecoder::make(tables, options);
  require(decoder.ok(), "a decoder cannot be made");
  LogBatch batch(ChangeBatch::Limits{8, 1 << 16});
  constexpr std::size_t kHeader = 19;
  while (size >= kHeader) {
    std::uint32_t length = 0;
    std::memcpy(&length, data + 9, sizeof length);
    const std::size_t taken = std::clamp<std::size_t>(length, kHeader, size);
    const std::vector<char> event(data, data + taken);  // of its own, so that a sanitizer sees its end
    data += taken;
    size -= taken;
    auto decoded = (*decoder)->decode({event.data(), event.size()}, batch);
    while (decoded && (*decoder)->pending()) {
      check(batch);
      batch.clear();
      (*decoder)->start_batch();
      decoded = (*decoder)->resume(batch);
    }
    if (!decoded) break;
    if (batch.full()) {
      check(batch);
      batch.clear();
      (*decoder)->start_batch();
    }
  }
  check(batch);
  return 0;
}
