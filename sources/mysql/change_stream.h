#pragma once
#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>

#include "core/base/mutex.h"
#include "core/task/change_log.h"
#include "sources/mysql/binlog_decoder.h"
#include "sources/mysql/binlog_stream.h"
#include "sources/mysql/followed_tables.h"

namespace dmskafka::mysql {

/// Asks the catalogue through a connection of its own, which is opened when it is needed first.
class CatalogDescriber final : public TableDescriber {
 public:
  CatalogDescriber(std::shared_ptr<const SourceSettings> settings, std::stop_token stop)
      : settings_(std::move(settings)), stop_(std::move(stop)) {}
  Result<std::optional<TableSchema>> describe(const TableName& name) override;

 private:
  const std::shared_ptr<const SourceSettings> settings_;
  const std::stop_token stop_;
  std::optional<Connection> connection_;
};

/// The changes of a binlog dump. Nothing is told to the server: it keeps its log as long as its own settings say.
class MysqlChangeStream final : public ChangeStream {
 public:
  struct Tables {
    FollowedTables::Schemas known;
    FollowedTables::Schemas now;
  };
  /// Errors: kStateFile: `options.from` cannot be read.
  static Result<std::unique_ptr<MysqlChangeStream>> make(std::unique_ptr<BinlogStream> stream,
                                                         std::unique_ptr<CatalogDescriber> describer,
                                                         const Tables& tables,
                                                         BinlogDecoder::Options options);

  Result<void> read(LogBatch& batch, std::chrono::milliseconds wait, std::stop_token stop) override;
  void acknowledge(const LogPosition& position) override;
  ChangeStreamStatus status() const override;

 private:
  using Clock = std::chrono::steady_clock;
  MysqlChangeStream(std::unique_ptr<BinlogStream> stream, std::unique_ptr<CatalogDescriber> describer,
                    const Tables& tables, Flavour flavour)
      : describer_(std::move(describer)),
        tables_(tables.known, tables.now, flavour, *describer_),
        stream_(std::move(stream)) {}
  enum class Drained : std::uint8_t { kDry, kFull, kLate };
  /// What is there already, until the batch is full or the time is over.
  Result<Drained> drain(LogBatch& batch, Clock::time_point until);
  void note_progress();

  const std::unique_ptr<CatalogDescriber> describer_;
  FollowedTables tables_;
  std::unique_ptr<BinlogDecoder> decoder_;
  std::unique_ptr<BinlogStream> stream_;

  mutable Mutex mutex_;
  BinlogPosition received_ GUARDED_BY(mutex_);
  LogPosition acknowledged_ GUARDED_BY(mutex_);
};

}  // namespace dmskafka::mysql
