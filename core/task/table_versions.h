#pragma once
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <unordered_map>
#include <vector>

#include "core/settings/task_settings.h"
#include "core/task/cdc_portion.h"
#include "core/task/planner.h"
#include "core/task/sink.h"
#include "core/task/task_progress.h"

namespace dmskafka {

/// The followed tables as the log describes them at the place where it is being read. Thread: the log reader's, once open.
class TableVersions {
 public:
  /// References outlive it.
  TableVersions(const Planner& planner, Sink& sink, const TaskSettings& settings, TaskProgress& progress)
      : planner_(planner), sink_(sink), settings_(settings), progress_(progress) {}

  /// The tables as they were at the position where the stream begins. Errors: kInvalidMapping; those of Sink::open_topics().
  Result<void> open(std::span<const std::shared_ptr<const TableSchema>> known, const std::stop_token& stop);

  /// What a table that the log describes is, beside the version before.
  struct Note {
    std::shared_ptr<const TableVersion> before;  ///< null: the table is new
    std::shared_ptr<const TableVersion> after;   ///< null: the table is not followed (any more)
  };
  /// The table is as `schema` says from here on. Errors: as open(); a table that no longer fits its rules is suspended,
  /// unless TableErrorPolicy stops the task.
  Result<Note> describe(const std::shared_ptr<const TableSchema>& schema, const std::stop_token& stop);
  /// The table of that name goes on under the name in `schema`.
  Result<Note> rename(const TableName& old_name, const std::shared_ptr<const TableSchema>& schema,
                      const std::stop_token& stop);
  /// Tables are known by their source_handle as well: ChangeLog::handles_identify_tables().
  void know_by_handle() { by_handle_ = true; }
  /// The name under which the table is known, when `schema` has another one for it.
  std::optional<TableName> renamed_from(const TableSchema& schema) const;
  /// The table is gone; its version, null when it was not followed.
  std::shared_ptr<const TableVersion> drop(const TableName& name);

  std::shared_ptr<const TableVersion> find(const TableName& name) const;
  /// The version to which changes of this description belong; null: they are not followed. Lives until describe().
  /// nullopt: the log never described it.
  std::optional<const std::shared_ptr<const TableVersion>*> of(const TableSchema* schema) const;
  /// In the order of their names.
  std::vector<std::shared_ptr<const TableVersion>> all() const;

 private:
  bool by_handle_ = false;
  struct Followed {
    std::shared_ptr<const TableVersion> version;
    std::shared_ptr<const TableSchema> described;  // by the log of this stream; null: not yet
  };
  bool is_in_error(const TableName& name) const;
  bool is_selected(const TableSchema& schema) const;
  TableProgress& progress_of(const TableName& name);
  Result<std::shared_ptr<const TableVersion>> make(const std::shared_ptr<const TableSchema>& schema,
                                                   const std::stop_token& stop);
  Result<Note> follow(Followed followed, const std::shared_ptr<const TableSchema>& schema,
                      const std::stop_token& stop);

  const Planner& planner_;
  Sink& sink_;
  const TaskSettings& settings_;
  TaskProgress& progress_;
  std::map<TableName, Followed> tables_;
  std::unordered_map<const TableSchema*, std::shared_ptr<const TableVersion>> described_;
  // What the log describes and nobody selected: held, so that no other description gets its address.
  std::map<TableName, std::shared_ptr<const TableSchema>> ignored_;
};

/// What the columns and the key are, without estimates: a checkpoint stores a table again only when this differs.
bool same_definition(const TableSchema& a, const TableSchema& b);

}  // namespace dmskafka
