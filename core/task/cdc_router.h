#pragma once
#include <cstdint>
#include <memory>
#include <stop_token>
#include <vector>

#include "core/base/log_batch.h"
#include "core/settings/task_settings.h"
#include "core/task/apply_lanes.h"
#include "core/task/cdc_portion.h"
#include "core/task/cdc_stop.h"
#include "core/task/delivery_tracker.h"
#include "core/task/key_moves.h"
#include "core/task/message_sender.h"
#include "core/task/table_versions.h"

namespace dmskafka {

/// Takes a log apart: each change goes to the lane of its key, and events of tables become control records at their place.
///
/// Barriers:
///  1. A control record is sent when everything before it is delivered, and nothing behind it is sent before it is.
///  2. A change that moves a row to another key is sent when the records of the old key are delivered, and a later record
///     of the old key when that change is.
///  3. Records of one key go through one queue, so they are sent in the order of the log.
/// Thread: the log reader's.
class CdcRouter {
 public:
  /// References outlive it.
  struct Parts {
    const Planner& planner;
    const TaskSettings& settings;
    TableVersions& tables;
    ApplyLanes& lanes;
    LogBatchPool& pool;
    DeliveryTracker& tracker;
    Sink& sink;
    MessageSender& sender;  ///< for control records
    CdcStop& stop;
    std::stop_token failed;  ///< the attempt has failed: waiting is over
  };
  CdcRouter(const Parts& parts, const PreviousTransaction& previous);

  enum class Outcome : std::uint8_t { kMore, kEnd };
  /// Sends what the batch holds; kEnd: up to where a stop condition holds. The caller stays a user of the batch.
  /// Errors: kCancelled after a failure; those of TableVersions and of Sink::send().
  Result<Outcome> route(SharedLogBatch& batch);
  /// What begins the stream: messages of the task, and the first control records of new tables.
  Result<void> send_start(const LogPosition& from, const std::vector<TaskMessage>& messages,
                          const std::vector<std::shared_ptr<const TableVersion>>& new_tables);

 private:
  Result<Outcome> route_event(SharedLogBatch& batch, const LogEvent& event);
  Result<Outcome> route_changes(SharedLogBatch& batch, const LogEvent& event);
  Result<void> route_change(SharedLogBatch& batch, const Change& change, PortionShare& share);
  Result<std::size_t> queue_of(const Change& change, const TableVersion& version);
  /// Of the key and the old one.
  bool same_partition(const Topic& topic) const;
  Result<void> order_move(std::uint64_t old_key, std::uint64_t new_key);
  Result<void> wait_for_left(std::uint64_t key);
  Outcome note_end(const LogEvent& event);
  Result<void> describe_table(const LogEvent& event);
  Result<void> rename_table(const TableName& old_name, const std::shared_ptr<const TableSchema>& schema);
  Result<void> drop_table(const LogEvent& event);
  Result<void> truncate_table(const LogEvent& event);
  Result<void> alter(const TableVersions::Note& note);
  Result<void> send_control(const std::shared_ptr<const TableVersion>& version, ControlOperation operation);

  CdcPortion& portion();
  PortionShare& share_of(const std::shared_ptr<const TableVersion>& version);
  Result<void> add_to_queue(std::size_t queue, SharedLogBatch& batch, const Change& change,
                            PortionShare& share);
  Result<void> push(std::size_t queue);
  /// Ends the portion: everything collected goes to the lanes.
  Result<void> finish_portion();
  Result<void> wait_delivered(std::uint64_t sequence);
  /// Everything sent so far is delivered when it returns.
  Result<void> barrier();

  const Parts parts_;
  EncodedMessage key_;
  EncodedMessage old_key_;
  KeyMoves moves_;
  std::uint64_t delivered_ = 0;    // passed_sequence() as last seen
  std::uint64_t newest_left_ = 0;  // the last portion in which a row left a key
  std::uint64_t last_sequence_ = 0;
  std::shared_ptr<CdcPortion> portion_;             // null: none is open
  SharedLogBatch* batch_ = nullptr;                 // being routed
  std::size_t next_transaction_ = 0;                // of its transactions
  std::vector<std::unique_ptr<ApplyBuffer>> open_;  // by queue; null: nothing collected
  std::vector<std::size_t> open_queues_;
  PreviousTransaction previous_;  // of the current transaction
  PreviousTransaction current_;
  bool current_sent_ = false;  // the open transaction has changes of ours
  // The version of the table of the last change, which mostly is that of the next.
  const TableSchema* cached_schema_ = nullptr;
  PortionShare* cached_share_ = nullptr;
};

}  // namespace dmskafka
