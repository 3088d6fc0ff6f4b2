#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "core/base/mutex.h"
#include "core/task/source.h"
#include "sources/mysql/connection.h"
#include "sources/mysql/consistent_moment.h"

namespace dmskafka::mysql {

/// The sessions of a snapshot, which nothing can replace: each was there at its moment. Thread: any.
class SessionPool {
 public:
  SessionPool(Connection control, std::vector<Connection> sessions);
  std::uint32_t size() const noexcept { return size_; }
  /// nullopt: none is left.
  std::optional<Connection> take();
  /// Takes a session back; one that lost its transaction is closed.
  void give_back(Connection session) noexcept;
  /// Ends what runs in `session` so that its snapshot stays, if it can be done in time.
  void abandon_rows(Connection& session) noexcept;
  /// The server is told that a session is over.
  void end(std::uint64_t session) noexcept;

 private:
  const std::uint32_t size_;
  Mutex mutex_;
  Connection control_ GUARDED_BY(mutex_);
  std::vector<Connection> idle_ GUARDED_BY(mutex_);
};

/// One moment of all databases, held by as many sessions as there can be readers.
class MysqlSnapshot final : public Snapshot {
 public:
  struct Options {
    MomentOptions moment;
    bool lock_tables = true;
  };
  /// `control` becomes the session that ends others' statements. Errors: those of Source::open_snapshot().
  static Result<std::unique_ptr<MysqlSnapshot>> open(Connection control,
                                                     std::shared_ptr<const SourceSettings> settings,
                                                     std::span<const TableSchema* const> tables,
                                                     const Options& options, const std::stop_token& stop);

  const LogPosition& position() const override { return position_; }
  std::string description() const override { return description_; }
  std::uint32_t readers_max() const override { return pool_->size(); }
  Result<std::unique_ptr<SnapshotReader>> open_reader(std::stop_token stop) override;
  Result<SegmentPlan> plan_segments(const TableSchema& table, const SegmentRequest& request) override;
  Result<ResumedSegments> resume_segments(const TableSchema& table, const std::string& token,
                                          std::span<const StoredSegment> stored) override;

 private:
  explicit MysqlSnapshot(std::stop_token stop) : stop_(std::move(stop)) {}
  template <typename Ask>
  auto with_session(Ask ask) -> decltype(ask(std::declval<Connection&>()));

  std::stop_token stop_;
  LogPosition position_;
  std::string description_;
  std::map<const TableSchema*, Error> unreadable_;  ///< why reading a table would be wrong or impossible
  std::unique_ptr<SessionPool> pool_;
};

}  // namespace dmskafka::mysql
