#pragma once
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/task/change_log.h"
#include "sources/postgres/followed_tables.h"
#include "sources/postgres/pgoutput_decoder.h"
#include "sources/postgres/replication_stream.h"

namespace dmskafka::postgres {

/// The stream of one slot. A position is the end of a transaction, or what a keepalive names while none is open: everything
/// that committed before it was sent.
class PostgresChangeStream final : public ChangeStream {
 public:
  PostgresChangeStream(Connection connection, const ReplicationStream::Options& options,
                       std::unique_ptr<FollowedTables> tables, std::string system_id)
      : tables_(std::move(tables)),
        decoder_(*tables_, options.start, system_id),
        system_id_(std::move(system_id)),
        told_(options.start),
        stream_(std::move(connection), options) {}

  Result<void> read(LogBatch& batch, std::chrono::milliseconds wait, std::stop_token stop) override;
  void acknowledge(const LogPosition& position) override { stream_.acknowledge(position.order_low); }
  ChangeStreamStatus status() const override;

 private:
  /// What is there already, until the batch is full. True when nothing more is there.
  Result<bool> drain(LogBatch& batch);
  std::chrono::milliseconds company_wait() const;
  void tell_idle(LogBatch& batch);
  Result<void> tell_dropped(LogBatch& batch);

  std::unique_ptr<FollowedTables> tables_;
  PgoutputDecoder decoder_;
  const std::string system_id_;
  std::int64_t sent_us_ = 0;                      // the last message, by the server's clock
  Lsn idle_ = 0;                                  // the last keepalive outside a transaction
  std::vector<FollowedTables::Dropped> dropped_;  // and not told yet
  Lsn told_;                                      // the last position that was handed over
  ReplicationStream stream_;
};

}  // namespace dmskafka::postgres
