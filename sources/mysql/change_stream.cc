#include "sources/mysql/change_stream.h"

#include <algorithm>

#include "sources/mysql/catalog.h"

namespace dmskafka::mysql {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

/// How long a change may wait for company: a part of the time that it has waited in the log already. Behind the log, full
/// batches cost Kafka and us half as much; at its end a change goes out at once. Some servers tell the time of a commit in whole
/// seconds, rounded down.
constexpr milliseconds kCompanyWait{2};
constexpr milliseconds kCompanyWaitMax{40};
constexpr std::int64_t kCompanyPart = 16;
constexpr std::int64_t kWholeSecondUs = 1'000'000;
constexpr std::size_t kGatherBytes = std::size_t{128} << 10U;
/// A stop request is seen within this.
constexpr milliseconds kTick{50};
/// So many events come between two looks at the clock.
constexpr unsigned kEventsAtOnce = 256;

milliseconds company_wait(std::int64_t commit_us) {
  const milliseconds waited((WallClock().now().microseconds - commit_us - kWholeSecondUs) / 1'000);
  return std::clamp(waited / kCompanyPart, kCompanyWait, kCompanyWaitMax);
}

/// Of the first transaction in the batch; nullopt: it has none.
std::optional<std::int64_t> commit_time(const LogBatch& batch) {
  for (const Change& change : batch.rows().changes()) return change.transaction->commit_time.microseconds;
  for (const LogEvent& event : batch.events()) {
    if (event.transaction != nullptr) return event.transaction->commit_time.microseconds;
  }
  return std::nullopt;
}

}  // namespace

Result<std::optional<TableSchema>> CatalogDescriber::describe(const TableName& name) {
  if (!connection_ || !connection_->usable()) {
    DMSKAFKA_ASSIGN(connection_, Connection::open(settings_, stop_));
  }
  DMSKAFKA_ASSIGN(auto schemas, read_table_schemas(*connection_, std::span(&name, 1), stop_));
  if (!schemas.front()) return std::optional<TableSchema>();
  return std::optional<TableSchema>(std::move(schemas.front()).value());
}

Result<std::unique_ptr<MysqlChangeStream>> MysqlChangeStream::make(
    std::unique_ptr<BinlogStream> stream, std::unique_ptr<CatalogDescriber> describer, const Tables& tables,
    BinlogDecoder::Options options) {
  std::unique_ptr<MysqlChangeStream> made(
      new MysqlChangeStream(std::move(stream), std::move(describer), tables, options.from.flavour));
  {
    const MutexLock lock(made->mutex_);
    made->received_ = options.from;
  }
  DMSKAFKA_ASSIGN(made->decoder_, BinlogDecoder::make(made->tables_, std::move(options)));
  return made;
}

Result<void> MysqlChangeStream::read(LogBatch& batch, milliseconds wait, std::stop_token stop) {
  decoder_->start_batch();
  Clock::time_point until = Clock::now() + wait;
  bool company = false;
  while (true) {
    if (stop.stop_requested()) return Error(ErrorCode::kCancelled, "stopped while reading the log");
    DMSKAFKA_ASSIGN(const Drained drained, drain(batch, until));
    note_progress();
    if (drained == Drained::kFull) return {};
    if (decoder_->has_news()) decoder_->tell_idle(batch);
    if (!batch.empty() && !company) {
      company = true;
      if (const auto committed = commit_time(batch)) {
        until = std::min(until, Clock::now() + company_wait(*committed));
      } else {
        until = Clock::now();
      }
    }
    const auto left = std::chrono::ceil<milliseconds>(until - Clock::now());
    if (left.count() <= 0) return {};
    stream_->wait(company ? kGatherBytes : 1, std::min(left, kTick));
  }
}

Result<MysqlChangeStream::Drained> MysqlChangeStream::drain(LogBatch& batch, Clock::time_point until) {
  for (unsigned events = 1;; ++events) {
    if (batch.full()) return Drained::kFull;
    if (decoder_->pending()) {
      DMSKAFKA_TRY(decoder_->resume(batch));
    } else {
      DMSKAFKA_ASSIGN(const std::string_view event, stream_->next());
      if (event.empty()) return Drained::kDry;
      DMSKAFKA_TRY(decoder_->decode(event, batch));
    }
    if (events % kEventsAtOnce == 0 && Clock::now() >= until) return Drained::kLate;
  }
}

void MysqlChangeStream::note_progress() {
  const MutexLock lock(mutex_);
  received_.file = decoder_->file();
  received_.offset = decoder_->offset();
}

void MysqlChangeStream::acknowledge(const LogPosition& position) {
  const MutexLock lock(mutex_);
  acknowledged_ = position;
}

ChangeStreamStatus MysqlChangeStream::status() const {
  ChangeStreamStatus status;
  const MutexLock lock(mutex_);
  BinlogPosition received = received_;
  received.gtid.clear();  // those of the start
  status.received = to_log_position(received);
  status.server_end = status.received;
  if (acknowledged_.order_high == status.received.order_high) {
    status.lag_bytes =
        status.received.order_low - std::min(status.received.order_low, acknowledged_.order_low);
  }
  return status;
}

}  // namespace dmskafka::mysql
