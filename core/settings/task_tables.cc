#include "core/settings/task_tables.h"

#include <algorithm>

namespace dmskafka {

std::span<const TaskTable> task_tables() {
  static const std::vector<TaskTable> tables = [] {
    std::vector<TaskTable> all;
    all.push_back(make_dmskafka_table());
    all.push_back(make_target_metadata_table());
    all.push_back(make_full_load_table());
    all.push_back(make_error_behavior_table());
    all.push_back(make_before_image_table());
    all.push_back(make_ddl_handling_table());
    all.push_back(make_control_tables_table());
    all.push_back(make_logging_table());
    all.push_back(make_change_processing_tuning_table());
    all.push_back(make_stream_buffer_table());
    all.push_back(make_validation_table());
    all.push_back(make_loopback_table());
    all.push_back(make_character_set_table());
    all.push_back(make_time_travel_table());
    return all;
  }();
  return tables;
}

const TaskTable* find_task_table(std::string_view name) {
  const auto all = task_tables();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const TaskTable& table) { return table.name == name; });
  return found == all.end() ? nullptr : &*found;
}

std::string_view task_group_of(std::string_view setting) {
  for (const TaskTable& table : task_tables()) {
    if (table.find(setting) != nullptr) return table.name;
  }
  return {};
}

}  // namespace dmskafka
