#include "cli/task_inputs.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "core/base/digest.h"

namespace dmskafka {
namespace {

SourceSettings postgres(const char* host, std::uint16_t port, const char* database) {
  SourceSettings source;
  source.kind = SourceKind::kPostgres;
  source.host = host;
  source.port = port;
  source.database_name = database;
  return source;
}

SourceSettings sqlite(const std::string& file) {
  SourceSettings source;
  source.kind = SourceKind::kSqlite;
  source.file = file;
  return source;
}

TargetSettings kafka(std::vector<std::string> brokers, const char* topic) {
  TargetSettings target;
  target.kafka.brokers = std::move(brokers);
  target.kafka.topic = topic;
  return target;
}

TEST_CASE("task_inputs: the default task id has the shape of DMS's own, and is the same every time") {
  const SourceSettings source = postgres("db", 0, "shop");
  const TargetSettings target = kafka({"h:9092"}, "t");
  const std::string id = default_task_id(&source, &target);
  CHECK(id.size() == 26);
  // Written down: an id that changes with a release would lose its state file.
  CHECK(id == task_id_from("10:postgresql,2:db,4:5432,4:shop,6:h:9092,1:t,"));
}

TEST_CASE("task_inputs: ids differ where source or target differ, and only there") {
  const TargetSettings target = kafka({"h:9092"}, "t");
  const auto id = [&](const SourceSettings& source) { return default_task_id(&source, &target); };
  CHECK(id(postgres("db", 5432, "shop")) == id(postgres("db", 0, "shop")));
  CHECK(id(postgres("db", 5433, "shop")) != id(postgres("db", 0, "shop")));
  CHECK(id(postgres("d", 0, "bshop")) != id(postgres("db", 0, "shop")));
  SourceSettings with_password = postgres("db", 0, "shop");
  with_password.username = "app";
  with_password.password = "secret";
  CHECK(id(with_password) == id(postgres("db", 0, "shop")));
  const SourceSettings source = postgres("db", 0, "shop");
  const auto id_to = [&](const TargetSettings& to) { return default_task_id(&source, &to); };
  CHECK(id_to(kafka({"a:1", "b:1"}, "t")) != id_to(kafka({"a:1"}, "t")));
  CHECK(id_to(kafka({"a:1"}, "t")) != id_to(kafka({"a:1"}, "u")));
}

TEST_CASE("task_inputs: a SQLite file is the same under every path that leads to it") {
  const auto folder =
      std::filesystem::temp_directory_path() / ("dmskafka_task_inputs_" + std::to_string(getpid()));
  std::filesystem::create_directories(folder / "sub");
  std::ofstream(folder / "shop.db") << "";
  std::filesystem::create_symlink(folder / "shop.db", folder / "link.db");
  const TargetSettings target = kafka({"h:9092"}, "t");
  const auto id = [&](const std::string& file) {
    const SourceSettings source = sqlite(file);
    return default_task_id(&source, &target);
  };
  const std::string plain = id((folder / "shop.db").string());
  CHECK(id((folder / "sub/../shop.db").string()) == plain);
  CHECK(id((folder / "link.db").string()) == plain);
  CHECK(id((folder / "other.db").string()) != plain);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace dmskafka
