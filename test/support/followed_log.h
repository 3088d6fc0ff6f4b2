#pragma once
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "core/task/change_log.h"

namespace dmskafka::testing {

/// A source whose log is followed, as tests see it: each event as a line of text.
///
///   table public.t (id* int4, v text)        insert public.t {} {1, a}        update public.t {1, -} {2, ~}
///   commit        truncate public.t        rename public.old -> public.new        drop public.t
///
/// In rows "-" is absent, "~" unchanged, NULL null; "id*" is a key column. An empty image is {}.
class FollowedLog {
 public:
  FollowedLog(std::unique_ptr<Source> source, const std::vector<TableName>& names,
              const std::string& task_id = "TESTTASK");

  /// prepare() and open_stream() at its start.
  void start();
  ChangeLog::Prepared prepare(ChangeLog::WithSnapshot snapshot);
  /// Throws when it fails, with the Error's text.
  void open(const LogPosition& from);
  Result<std::unique_ptr<ChangeStream>> try_open(const LogPosition& from);
  void close() { stream.reset(); }

  /// Reads on until what was committed before this call has come; the lines of what is new.
  std::vector<std::string> follow();
  /// The same without commits.
  std::vector<std::string> changes();
  /// One read; appends to `lines`. False when nothing came.
  bool read_once(std::vector<std::string>& lines, std::chrono::milliseconds wait);

  std::vector<PreflightFinding> preflight();
  /// Reads the tables' descriptions again.
  void describe_again();

  std::string only_schema;  ///< not empty: what is of other schemas is left out; other tests share the log
  std::unique_ptr<Source> source;
  ChangeLog* log = nullptr;
  std::vector<TableName> names;
  std::vector<std::shared_ptr<const TableSchema>> schemas;
  std::unique_ptr<ChangeStream> stream;
  LogPosition position;                     ///< of the last commit or idle event
  std::vector<std::string> positions;       ///< stream positions of the changes that follow() saw
  std::vector<std::uint64_t> transactions;  ///< ids of the changes
  std::size_t idle_events = 0;
};

/// A line of a change or of an event, as above.
std::string describe_change(const Change& change);
std::string describe_event(const LogEvent& event);

}  // namespace dmskafka::testing
