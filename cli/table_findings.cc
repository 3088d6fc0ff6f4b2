#include "cli/table_findings.h"

#include <fmt/format.h>

#include <functional>
#include <map>
#include <string>
#include <utility>

#include "core/json/json_writer.h"

namespace dmskafka {
namespace {

constexpr std::size_t kNamesShown = 10;

using Tables = std::vector<SelectedTableReport>;

/// Names of some tables, as a sentence holds them; "" when there is none.
class Names {
 public:
  void add(const std::string& name) {
    if (++count_ <= kNamesShown) text_ += (text_.empty() ? "" : ", ") + name;
  }
  bool empty() const { return count_ == 0; }
  std::string text() const {
    return count_ <= kNamesShown ? text_ : text_ + fmt::format(" and {} more", count_ - kNamesShown);
  }

 private:
  std::string text_;
  std::size_t count_ = 0;
};

Names names_where(const Tables& tables, const std::function<bool(const SelectedTableReport&)>& holds) {
  Names names;
  for (const SelectedTableReport& table : tables) {
    if (holds(table)) names.add(table.name.text());
  }
  return names;
}

Error finding(std::string text) { return Error(ErrorCode::kInvalidMapping, std::move(text)); }

// A consumer could not tell the rows of two such tables apart.
void note_shared_targets(const Tables& tables, Problems& problems) {
  std::map<std::pair<std::string, TableName>, const SelectedTableReport*> first;
  for (const SelectedTableReport& table : tables) {
    const auto [other, alone] = first.try_emplace({table.topic, table.target}, &table);
    if (alone) continue;
    problems.warnings.push_back(
        finding(fmt::format("{} and {} both appear as {} in topic {}", other->second->name.text(),
                            table.name.text(), table.target.text(), table.topic)));
  }
}

void note_constant_keys(const Tables& tables, bool changes, Problems& problems) {
  const Names without_key = names_where(tables, [](const SelectedTableReport& table) {
    return table.outline.load_key.constant && !table.has_key;
  });
  if (!without_key.empty()) {
    problems.notices.push_back(
        finding("without a primary key all messages of a table have one key and go to one "
                "partition: " +
                without_key.text()));
  }
  std::map<std::string, Names> by_rule;
  for (const SelectedTableReport& table : tables) {
    const KeyOutline& key = table.outline.load_key;
    if (key.constant && table.has_key) by_rule[key.decided_by].add(table.name.text());
  }
  for (const auto& [rule, names] : by_rule) {
    problems.notices.push_back(finding(fmt::format(
        "all messages of a table have one key and go to one partition, by {}: {}", rule, names.text())));
  }
  if (!changes) return;
  const Names constant = names_where(tables, [](const SelectedTableReport& table) {
    return table.outline.change_key.constant && !table.outline.load_key.constant;
  });
  if (constant.empty()) return;
  problems.notices.push_back(
      finding("all changes of a table have one key and go to one partition: " + constant.text())
          .hint("With ParallelApplyThreads above 0 they have the primary key."));
}

void note_differing_keys(const Tables& tables, Problems& problems) {
  const Names names = names_where(tables, [](const SelectedTableReport& table) {
    return table.outline.load_key.text != table.outline.change_key.text;
  });
  if (names.empty()) return;
  problems.notices.push_back(finding("load and CDC have different keys, so that a row and its changes may be "
                                     "in different partitions and a "
                                     "consumer may see a change first: " +
                                     names.text())
                                 .hint("ParallelApplyThreads above 0, or a partition-key-type in an "
                                       "object-mapping rule, makes them equal."));
}

std::string quoted_name(const TableName& name) {
  return json_quoted(name.schema) + "." + json_quoted(name.table);
}

void note_missing_before_images(const Tables& tables, const TaskSettings& task, Problems& problems) {
  Names without;
  Names key_only;
  const SelectedTableReport* example = nullptr;
  const bool wants_more = task.before_image.enabled &&
                          task.before_image.column_filter != BeforeImageSettings::ColumnFilter::kPkOnly;
  for (const SelectedTableReport& table : tables) {
    switch (table.old_row) {
      case OldRow::kWhole:
      case OldRow::kFull: continue;
      case OldRow::kNothing: without.add(table.name.text()); break;
      case OldRow::kKeyWhenChanged:
      case OldRow::kOtherColumns:
        if (!wants_more) continue;
        key_only.add(table.name.text());
        break;
    }
    if (example == nullptr) example = &table;
  }
  if (example == nullptr) return;
  const std::string repair = fmt::format("ALTER TABLE {} REPLICA IDENTITY FULL;", quoted_name(example->name));
  if (!without.empty()) {
    problems.warnings.push_back(finding("UPDATEs carry no before image, and a deleted row is not told, since "
                                        "the table has no replica identity: " +
                                        without.text())
                                    .hint(repair));
  }
  if (!key_only.empty()) {
    problems.warnings.push_back(
        finding("UPDATEs carry a before image of the key alone, and only when it changes: " + key_only.text())
            .hint(repair));
  }
}

void note_lobs_without_key(const Tables& tables, const TaskSettings& task, Problems& problems) {
  // What dms-strict and SupportLobs leave out is told as such.
  if (task.dmskafka.dialect == Dialect::kDmsStrict || !task.support_lobs) return;
  Names names;
  for (const SelectedTableReport& table : tables) {
    if (table.has_key || table.lob_columns.empty()) continue;
    std::string columns;
    for (const std::string& column : table.lob_columns) columns += (columns.empty() ? "" : ", ") + column;
    names.add(fmt::format("{} ({})", table.name.text(), columns));
  }
  if (names.empty()) return;
  problems.notices.push_back(finding(
      "LOB columns of tables without a primary key, which DMS leaves out, are sent: " + names.text()));
}

}  // namespace

void note_findings(const Tables& tables, const TaskInputs& inputs, Problems& problems) {
  const bool load = inputs.migration_type != MigrationType::kCdc;
  const bool changes = inputs.migration_type != MigrationType::kFullLoad;
  note_shared_targets(tables, problems);
  note_constant_keys(tables, changes, problems);
  if (load && changes) note_differing_keys(tables, problems);
  if (changes) note_missing_before_images(tables, inputs.task, problems);
  note_lobs_without_key(tables, inputs.task, problems);
}

}  // namespace dmskafka
