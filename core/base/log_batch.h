#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/change.h"
#include "core/base/clock.h"
#include "core/base/log_position.h"
#include "core/base/table_schema.h"

namespace dmskafka {

/// What a log tells, in its order. Row events stand in runs (kChanges); everything else is an event of its own.
enum class LogEventKind : std::uint8_t {
  kChanges,  ///< a run of ChangeBatch::changes(), all of one transaction
  kCommit,   ///< a transaction ends; also one of which no change concerns us
  kTable,  ///< the table as it is from here on: before its first change of this stream, and after every ALTER
  kTruncate,     ///< TRUNCATE of a table
  kDropTable,    ///< DROP of a table
  kRenameTable,  ///< `schema` has the new name, `old_schema` the old one
  kIdle,  ///< nothing of ours up to `position`, and no transaction is open: it may be stored like a commit
};

struct LogEvent {
  LogEventKind kind = LogEventKind::kChanges;
  // kChanges
  std::size_t changes_begin = 0;
  std::size_t changes_count = 0;
  // kTable, kTruncate, kDropTable, kRenameTable. The pointer is the one that Change::table of the following changes carries.
  std::shared_ptr<const TableSchema> schema;
  /// The version before, where the log says it (MySQL's DDL); null: compare with the version known.
  std::shared_ptr<const TableSchema> old_schema;
  /// kCommit: end of the transaction; resuming here repeats nothing of it. kIdle: as said there.
  LogPosition position;
  /// kCommit and the events of a table: the transaction they stand in; owned by the batch, null outside one.
  const SourceTransaction* transaction = nullptr;
};

/// A piece of a log: events in order and the rows they speak of. A transaction may go on over many batches; each
/// batch has its own SourceTransaction for it (equal ids). Reused like a ChangeBatch. Thread: one at a time.
class LogBatch {
 public:
  explicit LogBatch(ChangeBatch::Limits limits) : rows_(limits) {}
  LogBatch() = default;

  void clear() noexcept {
    rows_.clear();
    events_.clear();
  }
  bool empty() const noexcept { return events_.empty(); }
  /// A batch of many small transactions is full too.
  bool full() const noexcept { return rows_.full() || events_.size() >= rows_.limits().records_max; }
  std::span<const LogEvent> events() const noexcept { return events_; }
  const ChangeBatch& rows() const noexcept { return rows_; }

  // For the source that fills it.
  ChangeBatch& rows() noexcept { return rows_; }
  LogEvent& add_event(LogEventKind kind) {
    LogEvent& event = events_.emplace_back();
    event.kind = kind;
    return event;
  }
  /// Adds a row event to the run of its transaction.
  Change& add_change() {
    if (events_.empty() || events_.back().kind != LogEventKind::kChanges) {
      add_event(LogEventKind::kChanges).changes_begin = rows_.changes().size();
    }
    ++events_.back().changes_count;
    return rows_.add();
  }

 private:
  ChangeBatch rows_;
  std::vector<LogEvent> events_;
};

}  // namespace dmskafka
