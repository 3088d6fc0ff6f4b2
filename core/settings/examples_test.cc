#include <doctest/doctest.h>

#include <cstdlib>
#include <string>

#include "core/settings/settings_reader.h"
#include "core/settings/test_problems.h"

using namespace dmskafka;  // NOLINT(google-build-using-namespace)

TEST_CASE("examples: the settings in examples/ say nothing") {
  const std::string folder = DMSKAFKA_SOURCE_DIR "/examples/";
  setenv("KAFKA_PASSWORD", "k", 1);
  setenv("PGPASSWORD", "p", 1);
  Problems problems;
  CHECK(read_target_settings(folder + "kafka-endpoint.json", problems).kafka.sasl_password == "k");
  CHECK(read_source_settings(folder + "postgres-endpoint.json", problems).password == "p");
  CHECK(read_task_settings("file://" + folder + "task-settings.json", MigrationType::kFullLoad, problems)
            .dmskafka.topic_partitions == 6);
  (void)read_target_settings(folder + "postgres-to-kafka/target-endpoint.json", problems);
  (void)read_source_settings(folder + "postgres-to-kafka/source-endpoint.json", problems);
  (void)read_task_settings(folder + "postgres-to-kafka/task-settings.json", MigrationType::kFullLoad,
                           problems);
  CHECK(everything_said(problems) == "");
}
