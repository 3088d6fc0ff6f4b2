#include "sources/postgres/change_stream.h"

#include <algorithm>

namespace dmskafka::postgres {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

/// How long a change may wait for company: a part of the time that it has waited in the log already. Behind the log, full
/// batches cost Kafka and us half as much; at its end a change goes out at once.
constexpr milliseconds kCompanyWait{2};
constexpr milliseconds kCompanyWaitMax{40};
constexpr std::int64_t kCompanyPart = 16;
/// A stop request is seen within this.
constexpr milliseconds kTick{50};

milliseconds left_until(Clock::time_point until) {
  return std::max(milliseconds(0), std::chrono::ceil<milliseconds>(until - Clock::now()));
}

}  // namespace

Result<void> PostgresChangeStream::read(LogBatch& batch, milliseconds wait, std::stop_token stop) {
  decoder_.start_batch();
  Clock::time_point until = Clock::now() + wait;
  bool company = false;
  while (true) {
    if (stop.stop_requested()) return Error(ErrorCode::kCancelled, "stopped while reading the log");
    DMSKAFKA_ASSIGN(const bool dry, drain(batch));
    if (!dry) return {};
    tell_idle(batch);
    DMSKAFKA_TRY(tell_dropped(batch));
    if (!batch.empty() && !company) {
      company = true;
      until = std::min(until, Clock::now() + company_wait());
    }
    const milliseconds left = left_until(until);
    if (left.count() == 0) return {};
    stream_.wait(company ? InputWait::Wake::kGather : InputWait::Wake::kFirstByte, std::min(left, kTick));
  }
}

milliseconds PostgresChangeStream::company_wait() const {
  const milliseconds waited((sent_us_ - decoder_.commit_microseconds()) / 1'000);
  return std::clamp(waited / kCompanyPart, kCompanyWait, kCompanyWaitMax);
}

Result<bool> PostgresChangeStream::drain(LogBatch& batch) {
  StreamFrame frame;
  while (!batch.full()) {
    DMSKAFKA_TRY(stream_.next(frame));
    switch (frame.kind) {
      case StreamFrame::Kind::kNone: return true;
      case StreamFrame::Kind::kData:
        idle_ = 0;  // a transaction's own end is the better position
        sent_us_ = frame.sent_us;
        DMSKAFKA_TRY(decoder_.decode(frame.payload, batch));
        told_ = std::max(told_, decoder_.last_end());
        break;
      case StreamFrame::Kind::kKeepalive:
        if (!decoder_.in_transaction()) idle_ = frame.wal_end;
        break;
    }
  }
  return false;
}

/// Log that holds nothing for us must not be kept for us: its end may be stored and acknowledged like a commit.
void PostgresChangeStream::tell_idle(LogBatch& batch) {
  if (idle_ <= told_) return;
  batch.add_event(LogEventKind::kIdle).position = log_position(idle_, system_id_);
  told_ = idle_;
}

/// A dropped table is told when everything that the log has of it was: the log itself is silent about it.
Result<void> PostgresChangeStream::tell_dropped(LogBatch& batch) {
  if (decoder_.in_transaction()) return {};
  DMSKAFKA_ASSIGN(auto found, tables_->keep_house());
  for (FollowedTables::Dropped& table : found) dropped_.push_back(std::move(table));
  std::erase_if(dropped_, [&](const FollowedTables::Dropped& table) {
    if (table.after > told_) return false;
    batch.add_event(LogEventKind::kDropTable).schema = table.schema;
    return true;
  });
  return {};
}

ChangeStreamStatus PostgresChangeStream::status() const {
  ChangeStreamStatus status;
  const Lsn received = stream_.received();
  status.received = log_position(received, system_id_);
  status.server_end = status.received;
  status.lag_bytes = received - std::min(received, stream_.flushed());
  return status;
}

}  // namespace dmskafka::postgres
