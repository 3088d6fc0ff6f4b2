#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "core/base/clock.h"
#include "core/base/log_position.h"
#include "core/base/row.h"
#include "core/base/table_schema.h"

namespace dmskafka {

enum class Operation : std::uint8_t { kLoad, kInsert, kUpdate, kDelete };

/// The source transaction some changes belong to. One for all of them; outlives them in their ChangeBatch.
struct SourceTransaction {
  std::uint64_t id = 0;  ///< wire-format.md §3.2
  WallTime commit_time;  ///< UTC
  /// The transaction before it that sent records, and the number of its last record (wire-format.md §3.1). Set by the
  /// engine, not the source; 0: there was none.
  std::uint64_t previous_id = 0;
  std::uint64_t previous_record = 0;
};

/// One row event as the source committed it, before any rule. Non-owning: views point into its ChangeBatch.
struct Change {
  Operation operation = Operation::kLoad;
  const TableSchema* table = nullptr;              ///< never null; outlives the batch
  RowView after;                                   ///< empty for kDelete
  RowView before;                                  ///< empty unless the source supplies a before image
  const SourceTransaction* transaction = nullptr;  ///< null for kLoad
  std::uint64_t transaction_record = 0;            ///< from 1 within its transaction; 0 for kLoad
  std::string_view stream_position;                ///< wire-format.md §3.2; empty for kLoad
  /// Columns of `after` that the log did not repeat, with the values that the source has now (UnchangedToast fetch).
  std::span<const std::uint32_t> fetched;
};

/// Changes and the memory their values live in. Reused: clear() keeps the memory, so that in steady state
/// reading a row allocates nothing. Thread: one at a time; may be moved between threads.
class ChangeBatch {
 public:
  struct Limits {
    std::size_t records_max = 1'000;
    std::size_t bytes_max = 1 << 20;  ///< A single larger row is still taken whole.
  };
  explicit ChangeBatch(Limits limits) : limits_(limits) {}
  ChangeBatch() : ChangeBatch(Limits{}) {}
  ChangeBatch(ChangeBatch&&) noexcept = default;
  ChangeBatch& operator=(ChangeBatch&&) noexcept = default;

  /// Forgets the changes, keeps the memory up to about `bytes_max`.
  void clear() noexcept;
  bool empty() const noexcept { return changes_.empty(); }
  /// True when the reader should hand the batch over.
  bool full() const noexcept { return changes_.size() >= limits_.records_max || bytes_ >= limits_.bytes_max; }
  std::size_t bytes() const noexcept { return bytes_; }
  std::span<const Change> changes() const noexcept { return changes_; }
  const Limits& limits() const noexcept { return limits_; }

  // For the source that fills the batch; the memory lives until clear().
  Change& add() { return changes_.emplace_back(); }
  /// Takes the last change back, e.g. when decoding it failed half way.
  void drop_last() { changes_.pop_back(); }
  std::span<Value> allocate_values(std::size_t count);
  std::span<const std::uint32_t> store_columns(std::span<const std::uint32_t> columns);
  char* allocate_bytes(std::size_t size) { return static_cast<char*>(allocate(size, 1)); }
  std::string_view store(std::string_view bytes);
  SourceTransaction& add_transaction();
  /// In the order of add_transaction(), which is the log's: the engine sets what comes from before the batch.
  std::span<const std::unique_ptr<SourceTransaction>> transactions() noexcept { return transactions_; }

 private:
  struct Block {
    std::unique_ptr<std::byte[]> bytes;
    std::size_t size;
  };
  void* allocate(std::size_t size, std::size_t alignment);

  Limits limits_;
  std::vector<Change> changes_;
  std::vector<std::unique_ptr<SourceTransaction>> transactions_;
  std::vector<Block> blocks_;
  std::size_t block_ = 0;   // the block in use; those before it are full
  std::size_t offset_ = 0;  // the first free byte in it
  std::size_t bytes_ = 0;   // handed out since clear()
};

}  // namespace dmskafka
