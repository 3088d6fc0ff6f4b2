#include "mapping/table_settings.h"

#include <fmt/format.h>

#include <array>
#include <limits>
#include <utility>

#include "mapping/rule_fields.h"
#include "mapping/rule_locator.h"
#include "mapping/shown_table.h"

namespace dmskafka {

namespace {

constexpr std::string_view kWhat = "a table-settings rule";
constexpr std::array<std::string_view, 6> kMembers = {"rule-type",      "rule-id",       "rule-name",
                                                      "object-locator", "parallel-load", "lob-settings"};
constexpr std::array<std::string_view, 5> kLoadMembers = {"type", "columns", "boundaries", "partitions",
                                                          "subpartitions"};
constexpr std::array<std::string_view, 5> kLoadTypes = {"none", "partitions-auto", "ranges",
                                                        "partitions-list", "subpartitions-auto"};
enum LoadType : std::size_t { kNone, kPartitionsAuto, kRanges, kPartitionsList, kSubpartitionsAuto };
constexpr std::array<std::string_view, 2> kLobMembers = {"mode", "bulk-max-size"};
constexpr std::array<std::string_view, 3> kLobModes = {"limited", "unlimited", "none"};
enum LobMode : std::size_t { kLimited, kUnlimited, kByTask };
constexpr std::size_t kColumnsMax = 10;

class TableSettingsReader {
 public:
  TableSettingsReader(const JsonValue& rule, Problems& problems) : json_(rule), problems_(problems) {}

  std::optional<TableSettingsRule> read(std::int64_t id) {
    const std::size_t errors_before = problems_.errors.size();
    check_members(json_, kMembers, kWhat, problems_);
    (void)read_text(json_, "rule-name", Presence::kOptional, kWhat, problems_);
    // SPEC: `Exact schema and table name required when using table settings rule.`
    auto locator = read_locator(
        json_, {LocatorNames::kExact, kWhat, "rule-type \"table-settings\"", ObjectLocator::TableType::kAll},
        problems_);
    if (!locator) return std::nullopt;
    TableSettingsRule rule{id, std::move(*locator)};
    rule.defined_at = json_.location();
    if (const JsonValue* load = object_member("parallel-load")) read_parallel_load(*load, rule);
    if (const JsonValue* lob = object_member("lob-settings")) read_lob_settings(*lob, rule);
    if (problems_.errors.size() != errors_before) return std::nullopt;
    return rule;
  }

 private:
  void refuse(const JsonValue& value, std::string what, std::string expected) {
    problems_.errors.push_back(mapping_error(value, std::move(what)).expected(std::move(expected)));
  }
  void notice(const JsonValue& value, std::string what) {
    problems_.notices.push_back(mapping_error(value, std::move(what)));
  }

  const JsonValue* object_member(std::string_view name) {
    const JsonValue* value = json_.find_present(name);
    if (value == nullptr || value->is_object()) return value;
    refuse(*value, fmt::format("{} is {}", name, json_kind_name(value->kind())), "an object");
    return nullptr;
  }

  void read_parallel_load(const JsonValue& load, TableSettingsRule& rule) {
    check_members(load, kLoadMembers, "parallel-load", problems_);
    const auto type = read_word(load, "type", Presence::kRequired, kLoadTypes, "parallel-load", problems_);
    if (!type) return;
    const JsonValue& place = *load.find("type");
    rule.parallel_load.defined_at = place.location();
    switch (static_cast<LoadType>(*type)) {
      case kNone:
        return notice(place,
                      "parallel-load \"none\" changes nothing: large tables are read in ranges of our own");
      case kRanges: return read_ranges(load, place, rule);
      case kPartitionsList: read_partitions(load, place, rule); break;
      case kPartitionsAuto:
      case kSubpartitionsAuto: break;
    }
    rule.parallel_load.type = ParallelLoad::Type::kPartitions;
  }

  void read_ranges(const JsonValue& load, const JsonValue& place, TableSettingsRule& rule) {
    rule.parallel_load.type = ParallelLoad::Type::kRanges;
    read_columns(load, rule);
    read_boundaries(load, rule);
    // SPEC dms-settings §3.3: "rows with NULL in a boundary column are not loaded". We lose nothing without being told to.
    notice(place, "rows with NULL in a column of the ranges are loaded too, which DMS leaves out");
  }

  void read_partitions(const JsonValue& load, const JsonValue& place, TableSettingsRule& rule) {
    const std::size_t errors_before = problems_.errors.size();
    read_names(load, "partitions", rule.parallel_load.partitions);
    read_names(load, "subpartitions", rule.parallel_load.partitions);
    if (rule.parallel_load.partitions.empty() && problems_.errors.size() == errors_before) {
      refuse(load, "parallel-load \"partitions-list\" without \"partitions\"", "names of partitions");
    }
    notice(place, "partitions that are not in the list are loaded too, after those that are");
  }

  void read_names(const JsonValue& load, std::string_view member, std::vector<std::string>& names) {
    const JsonValue* list = load.find_present(member);
    if (list == nullptr) return;
    if (!list->is_array()) {
      return refuse(*list, fmt::format("{} is {}", member, json_kind_name(list->kind())),
                    "an array of names");
    }
    for (const JsonValue& name : list->items()) {
      if (name.is_string()) {
        names.emplace_back(name.string());
      } else {
        refuse(name, fmt::format("a name of {} is {}", member, json_kind_name(name.kind())), "a string");
      }
    }
  }

  void read_columns(const JsonValue& load, TableSettingsRule& rule) {
    const JsonValue* columns = load.find_present("columns");
    if (columns == nullptr || !columns->is_array() || columns->items().empty()) {
      return refuse(columns == nullptr ? load : *columns, "parallel-load \"ranges\" without \"columns\"",
                    "names of columns");
    }
    rule.columns_at = columns->location();
    if (columns->items().size() > kColumnsMax) {
      refuse(*columns, fmt::format("{} columns of ranges", columns->items().size()), "at most 10");
    }
    for (const JsonValue& column : columns->items()) {
      if (column.is_string()) {
        rule.range_columns.emplace_back(column.string());
      } else {
        refuse(column, fmt::format("a column of the ranges is {}", json_kind_name(column.kind())),
               "a column's name");
      }
    }
  }

  void read_boundaries(const JsonValue& load, TableSettingsRule& rule) {
    const std::size_t columns = rule.range_columns.size();
    const JsonValue* boundaries = load.find_present("boundaries");
    if (boundaries == nullptr || !boundaries->is_array() || boundaries->items().empty()) {
      return refuse(boundaries == nullptr ? load : *boundaries,
                    "parallel-load \"ranges\" without \"boundaries\"", "[[\"1000\"], [\"2000\"]]");
    }
    for (const JsonValue& boundary : boundaries->items()) {
      if (!boundary.is_array() || (columns != 0 && boundary.items().size() != columns)) {
        refuse(boundary,
               boundary.is_array() ? fmt::format("a boundary of {} values", boundary.items().size())
                                   : fmt::format("a boundary is {}", json_kind_name(boundary.kind())),
               fmt::format("an array of {} values, one for each column", columns));
        continue;
      }
      std::vector<std::string>& bound = rule.parallel_load.boundaries.emplace_back();
      for (const JsonValue& value : boundary.items()) {
        if (value.is_string()) {
          bound.emplace_back(value.string());
          continue;
        }
        if (value.kind() == JsonKind::kNumber) {
          bound.emplace_back(value.number_text());
          continue;
        }
        refuse(value, fmt::format("a value of a boundary is {}", json_kind_name(value.kind())), "a string");
      }
    }
  }

  // SPEC lob-settings mode: "limited" cuts at bulk-max-size; "unlimited" does not cut; "none" leaves it to the task settings.
  void read_lob_settings(const JsonValue& lob, TableSettingsRule& rule) {
    check_members(lob, kLobMembers, "lob-settings", problems_);
    const auto mode = read_word(lob, "mode", Presence::kOptional, kLobModes, "lob-settings", problems_);
    const auto size = read_number(lob, "bulk-max-size", Presence::kOptional,
                                  std::numeric_limits<std::int32_t>::max(), "lob-settings", problems_);
    if (!mode) return;
    switch (static_cast<LobMode>(*mode)) {
      case kLimited:
        if (size.value_or(0) == 0) {
          return refuse(lob, "lob-settings \"limited\" without a \"bulk-max-size\"", "kilobytes, 1 or more");
        }
        rule.lob_limit = LobLimit{size};
        return;
      case kUnlimited: rule.lob_limit = LobLimit{}; return;
      case kByTask: return;
    }
  }

  const JsonValue& json_;
  Problems& problems_;
};

}  // namespace

std::optional<TableSettingsRule> read_table_settings(const JsonValue& rule, std::int64_t id,
                                                     Problems& problems) {
  return TableSettingsReader(rule, problems).read(id);
}

Result<ParallelLoad> parallel_load_of(const TableSettingsRule& rule, const TableSchema& table) {
  ParallelLoad load = rule.parallel_load;
  std::vector<std::string> names;
  for (const ColumnSchema& column : table.columns) names.push_back(column.name);
  for (const std::string& column : rule.range_columns) {
    ColumnMatch match = find_column_of_rule(column, names);
    if (match.index && !table.columns[*match.index].lob) {
      load.columns.push_back(*match.index);
      continue;
    }
    if (match.index) match.fault = fmt::format("ranges of the LOB column \"{}\"", column);
    return rule_misfit(rule.columns_at, table.name, match);
  }
  return load;
}

}  // namespace dmskafka
