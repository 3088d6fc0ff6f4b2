#pragma once
#include <span>

#include "core/settings/field_table.h"
#include "core/settings/task_settings.h"

namespace dmskafka {

using TaskTable = FieldTable<TaskSettings>;

// The groups of AWS's task settings, and ours; one file for each kind.
TaskTable make_target_metadata_table();  // task_load_tables.cc
TaskTable make_full_load_table();
TaskTable make_stream_buffer_table();  // task_change_tables.cc
TaskTable make_change_processing_tuning_table();
TaskTable make_ddl_handling_table();
TaskTable make_control_tables_table();
TaskTable make_before_image_table();
TaskTable make_loopback_table();
TaskTable make_error_behavior_table();  // task_error_tables.cc
TaskTable make_logging_table();         // task_service_tables.cc
TaskTable make_validation_table();
TaskTable make_character_set_table();
TaskTable make_time_travel_table();
TaskTable make_dmskafka_table();  // task_dmskafka_table.cc

/// DmskafkaSettings.Topic, which is read within its group.
const TaskTable& topic_table();
/// The members that belong to no group. task_service_tables.cc
const TaskTable& task_members_table();
/// All groups; DmskafkaSettings first, because MaxThreads bounds others.
std::span<const TaskTable> task_tables();
const TaskTable* find_task_table(std::string_view name);
/// The group that has a setting of this name, "" when none.
std::string_view task_group_of(std::string_view setting);

}  // namespace dmskafka
