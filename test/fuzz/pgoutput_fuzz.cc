#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "core/base/log_batch.h"
#include "sources/postgres/pgoutput_decoder.h"

// The input is a run of messages, each behind its size (two bytes, big-endian). Any bytes are either decoded or refused, without
// a read past a message's end; what is decoded holds together: every change has its table's number of values.

namespace {

using namespace dmskafka;
using namespace dmskafka::postgres;

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "pgoutput_fuzz: %s\n", what);
  std::abort();
}

/// Follows everything, as it describes itself.
class EveryTable : public RelationCatalog {
 public:
  Result<FollowedRelation> resolve(const RelationMessage& relation) override {
    auto schema = std::make_shared<TableSchema>();
    FollowedRelation followed;
    schema->name = {relation.schema, relation.table};
    for (const RelationMessage::Column& column : relation.columns) {
      followed.column_of.push_back(static_cast<std::uint32_t>(schema->columns.size()));
      followed.known_in_old.push_back(column.identity);
      ColumnSchema& added = schema->columns.emplace_back();
      added.name = column.name;
    }
    followed.table = relation.oid;
    if (relation.table != "unfollowed") followed.schema = schema;
    all_.push_back(std::move(schema));
    return followed;
  }

 private:
  std::vector<std::shared_ptr<const TableSchema>> all_;
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
  EveryTable catalog;
  PgoutputDecoder decoder(catalog, 0x100, "1");
  LogBatch batch(ChangeBatch::Limits{8, 1 << 16});
  while (size >= 2) {
    const std::size_t length = std::min<std::size_t>(data[0] * 256U + data[1], size - 2);
    const std::vector<char> message(data + 2,
                                    data + 2 + length);  // of its own, so that a sanitizer sees its end
    data += 2 + length;
    size -= 2 + length;
    if (!decoder.decode({message.data(), message.size()}, batch)) break;
    if (batch.full()) {
      check(batch);
      batch.clear();
      decoder.start_batch();
    }
  }
  check(batch);
  return 0;
}
