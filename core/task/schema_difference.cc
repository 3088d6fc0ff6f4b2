#include "core/task/schema_difference.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace dmskafka {

namespace {

// What a table-def shows of a column, beside its name.
bool shown_alike(const ColumnSchema& a, const ColumnSchema& b) {
  return a.type == b.type && a.length == b.length && a.precision == b.precision &&
         a.scale.value_or(0) == b.scale.value_or(0) && a.nullable == b.nullable && a.collation == b.collation;
}

bool numbered(const ColumnSchema& a, const ColumnSchema& b) noexcept {
  return a.number != 0 && b.number != 0;
}

/// Which column of the new version each one of the old version became.
class Pairing {
 public:
  Pairing(const TableSchema& before, const TableSchema& after)
      : before_(before.columns),
        after_(after.columns),
        became_(before_.size()),
        taken_(after_.size(), false) {
    pair_if(
        [](const ColumnSchema& a, const ColumnSchema& b) { return numbered(a, b) && a.number == b.number; });
    // A column of the same name and another number came after the old one went.
    pair_if([](const ColumnSchema& a, const ColumnSchema& b) { return !numbered(a, b) && a.name == b.name; });
    pair_by_place();
  }
  std::optional<std::size_t> became(std::size_t old_index) const { return became_[old_index]; }
  bool is_new(std::size_t new_index) const { return !taken_[new_index]; }

 private:
  void pair(std::size_t a, std::size_t b) {
    became_[a] = b;
    taken_[b] = true;
  }

  template <typename Same>
  void pair_if(const Same& same) {
    for (std::size_t a = 0; a < before_.size(); ++a) {
      for (std::size_t b = 0; b < after_.size() && !became_[a]; ++b) {
        if (!taken_[b] && same(before_[a], after_[b])) pair(a, b);
      }
    }
  }

  // A rename keeps its place: between the columns that stand before and behind it in both versions.
  void pair_by_place() {
    std::size_t gap = 0;  // where the new version goes on behind the last paired column
    for (std::size_t a = 0; a < before_.size(); ++a) {
      for (std::size_t b = gap; !became_[a] && b < after_.size() && !taken_[b]; ++b) {
        if (!numbered(before_[a], after_[b]) && before_[a].source_type == after_[b].source_type &&
            before_[a].type == after_[b].type) {
          pair(a, b);
        }
      }
      if (became_[a]) gap = *became_[a] + 1;
    }
  }

  const std::vector<ColumnSchema>& before_;
  const std::vector<ColumnSchema>& after_;
  std::vector<std::optional<std::size_t>> became_;
  std::vector<bool> taken_;
};

std::vector<std::string> key_names(const TableSchema& table) {
  std::vector<std::string> names;
  for (const std::uint32_t index : table.primary_key) names.push_back(table.columns[index].name);
  return names;
}

void erase_column(TableSchema& table, std::uint32_t column) {
  table.columns.erase(table.columns.begin() + column);
  std::erase(table.primary_key, column);
  for (std::uint32_t& index : table.primary_key) index -= index > column ? 1U : 0U;
}

class Difference {
 public:
  Difference(const TableSchema& before, const TableSchema& after)
      : before_(before), after_(after), pairing_(before, after), now_(before) {}

  std::vector<SchemaStep> steps() {
    if (before_.name != after_.name) {
      TableSchema next = now_;
      next.name = after_.name;
      take(ControlOperation::kRenameTable, std::move(next), {});
    }
    drop_columns();
    rename_columns();
    change_types();
    add_columns();
    if (!steps_.empty()) {
      // Order of columns and key are as they ended up.
      steps_.back().after = after_;
    } else if (key_names(before_) != key_names(after_)) {
      std::vector<std::string> names = key_names(before_);
      for (std::string& name : key_names(after_)) {
        if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(std::move(name));
      }
      take(ControlOperation::kChangeColumns, after_, std::move(names));
    }
    return std::move(steps_);
  }

 private:
  struct Rename {
    std::string from;
    const ColumnSchema* to;
  };

  void take(ControlOperation operation, TableSchema next, std::vector<std::string> columns) {
    steps_.push_back({operation, now_, next, std::move(columns)});
    now_ = std::move(next);
  }

  void drop_columns() {
    TableSchema next = now_;
    std::vector<std::string> names;
    for (std::size_t i = 0; i < before_.columns.size(); ++i) {
      if (pairing_.became(i)) continue;
      names.push_back(before_.columns[i].name);
      erase_column(next, *next.find_column(names.back()));
    }
    if (!names.empty()) take(ControlOperation::kDropColumn, std::move(next), std::move(names));
  }

  // A name is free once its column was renamed itself; names that change places do so in one step.
  void rename_columns() {
    std::vector<Rename> pending;
    for (std::size_t i = 0; i < before_.columns.size(); ++i) {
      const auto became = pairing_.became(i);
      if (became && before_.columns[i].name != after_.columns[*became].name)
        pending.push_back({before_.columns[i].name, &after_.columns[*became]});
    }
    while (!pending.empty()) {
      const auto free = std::find_if(pending.begin(), pending.end(), [this](const Rename& rename) {
        return !now_.find_column(rename.to->name);
      });
      if (free == pending.end()) return rename_at_once(pending);
      const bool retyped = !shown_alike(now_.columns[*now_.find_column(free->from)], *free->to);
      rename_at_once({*free}, retyped ? ControlOperation::kChangeColumns : ControlOperation::kRenameColumn);
      pending.erase(free);
    }
  }

  void rename_at_once(const std::vector<Rename>& renames,
                      ControlOperation operation = ControlOperation::kChangeColumns) {
    TableSchema next = now_;
    std::vector<std::string> names;
    for (const Rename& rename : renames) {
      next.columns[*now_.find_column(rename.from)] = *rename.to;
      names.push_back(rename.from);
      names.push_back(rename.to->name);
    }
    take(operation, std::move(next), std::move(names));
  }

  void change_types() {
    TableSchema next = now_;
    std::vector<std::string> names;
    for (std::size_t i = 0; i < before_.columns.size(); ++i) {
      const auto became = pairing_.became(i);
      if (!became) continue;
      const ColumnSchema& to = after_.columns[*became];
      ColumnSchema& column = next.columns[*next.find_column(to.name)];
      if (!shown_alike(column, to)) names.push_back(to.name);
      column = to;
    }
    if (!names.empty()) take(ControlOperation::kColumnTypeChange, std::move(next), std::move(names));
  }

  void add_columns() {
    TableSchema next = now_;
    std::vector<std::string> names;
    for (std::size_t i = 0; i < after_.columns.size(); ++i) {
      if (!pairing_.is_new(i)) continue;
      names.push_back(after_.columns[i].name);
      next.columns.push_back(after_.columns[i]);
    }
    if (!names.empty()) take(ControlOperation::kAddColumn, std::move(next), std::move(names));
  }

  const TableSchema& before_;
  const TableSchema& after_;
  const Pairing pairing_;
  TableSchema now_;
  std::vector<SchemaStep> steps_;
};

}  // namespace

std::vector<SchemaStep> schema_difference(const TableSchema& before, const TableSchema& after) {
  return Difference(before, after).steps();
}

}  // namespace dmskafka
