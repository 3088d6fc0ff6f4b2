#include "sources/postgres/task_objects.h"

#include <doctest/doctest.h>

namespace dmskafka::postgres {

TEST_CASE("task_objects: names are what slots accept, and two tasks never share one") {
  const auto name = [](const std::string& task) { return task_objects(task, SourceSettings{}).slot; };
  CHECK(name("DZ6OKLFYA5BWVG4RYROQUHXU4E") == "dmskafka_dz6oklfya5bwvg4ryroquhxu4e");
  CHECK(name("orders_2") == "dmskafka_orders_2");
  CHECK(name("my-task").starts_with("dmskafka_my_task_"));
  CHECK(name("my-task") != name("my_task"));
  CHECK(name("my-task") != name("my.task"));
  const std::string long_one = name(std::string(100, 'a'));
  CHECK(long_one != name(std::string(101, 'a')));
  CHECK(long_one.size() + kInsertSuffix.size() == 63);
  for (const std::string& task : {std::string("Größe 'x'\""), std::string(), std::string("-")}) {
    CHECK(name(task).find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string::npos);
  }
}

TEST_CASE("task_objects: SlotName names the slot, not the publications") {
  SourceSettings settings;
  settings.slot_name = "given";
  const TaskObjects objects = task_objects("T", settings);
  CHECK(objects.slot == "given");
  CHECK(objects.publication == "dmskafka_t");
  CHECK(objects.insert_publication == "dmskafka_t_inserts");
  CHECK(objects.mark() == "dmskafka: task t, replication slot given");
}

}  // namespace dmskafka::postgres
