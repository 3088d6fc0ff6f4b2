#include "cli/task_file.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace dmskafka {
namespace {

/// A folder of its own for the files of a case, removed at its end.
struct Folder {
  std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("dmskafka_task_file_" + std::to_string(getpid()));
  Folder() { std::filesystem::create_directories(path); }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string write(const char* name, std::string_view text) const {
    std::ofstream(path / name, std::ios::binary) << text;
    return (path / name).string();
  }
};

TEST_CASE("task_file: objects, strings of JSON, URLs and references") {
  const Folder folder;
  Problems problems;
  const TaskFile task = read_task_file(folder.write("task.json", R"({
  "ReplicationTaskIdentifier": "orders",
  "MigrationType": "full-load",
  "Source": "postgresql://app@db/shop",
  "Target": {"KafkaSettings": {"Broker": "h:9092", "Topic": "{\"}"}},
  "TableMappings": "file://rules/mapping.json",
  "ReplicationTaskSettings": "{\"TargetMetadata\":{}}",
  "StateFile": "orders.state"
})"),
                                       problems);
  CHECK(problems.ok());
  CHECK(task.task_id == "orders");
  CHECK(task.migration_type == MigrationType::kFullLoad);
  CHECK(task.source->argument == "postgresql://app@db/shop");
  CHECK(task.target->argument == R"({"KafkaSettings": {"Broker": "h:9092", "Topic": "{\"}"}})");
  CHECK(task.table_mappings->argument == (folder.path / "rules/mapping.json").string());
  CHECK(task.task_settings->argument == R"({"TargetMetadata":{}})");
  CHECK(task.state_file == (folder.path / "orders.state").string());
}

TEST_CASE("task_file: replies of the AWS CLI, whose own members get a notice and null members nothing") {
  const Folder folder;
  Problems problems;
  const TaskFile task = read_task_file(folder.write("task.json", R"({"ReplicationTasks": [{
  "ReplicationTaskIdentifier": "orders", "SourceEndpointArn": "arn:aws:dms:1", "CdcStartPosition": null,
  "TableMappings": "{\"rules\":[]}"}]})"),
                                       problems);
  CHECK(problems.ok());
  CHECK(task.task_id == "orders");
  CHECK(task.table_mappings->argument == R"({"rules":[]})");
  REQUIRE(problems.notices.size() == 1);
  CHECK(problems.notices[0].message() == "SourceEndpointArn has a meaning only within AWS");
}

TEST_CASE("task_file: CloudFormation's resource and template") {
  const Folder folder;
  for (const char* const text :
       {R"({"Type": "AWS::DMS::ReplicationTask", "Properties": {"ReplicationTaskIdentifier": "orders"}})",
        R"({"Resources": {"Source": {"Type": "AWS::DMS::Endpoint", "Properties": {}},
               "Task": {"Type": "AWS::DMS::ReplicationTask", "Properties": {"ReplicationTaskIdentifier": "orders"}}}})"}) {
    CAPTURE(text);
    Problems problems;
    CHECK(read_task_file(folder.write("task.json", text), problems).task_id == "orders");
    CHECK(problems.ok());
  }
  Problems problems;
  (void)read_task_file(folder.write("task.json", R"({"Resources": {"A": {"Type": "AWS::S3::Bucket"}}})"),
                       problems);
  REQUIRE(problems.errors.size() == 1);
  CHECK(problems.errors[0].message() == "0 replication tasks in the template");
}

TEST_CASE("task_file: problems of a part are told at their place in the file") {
  const Folder folder;
  Problems problems;
  const std::string path =
      folder.write("task.json", "{\n  \"Source\": \"ä\", \"Target\":  {\"Brokr\": 1,\n    \"Topik\": 2}\n}");
  const TaskFile task = read_task_file(path, problems);
  REQUIRE(task.target);
  const auto part = JsonDocument::parse("--target", task.target->argument);
  REQUIRE(part.ok());
  const auto place_of = [&](const char* member) {
    const Error error =
        Error(ErrorCode::kInvalidSettings, "wrong").at(part->root().find(member)->name_location());
    return *in_task_file(error, *task.target).location();
  };
  // Compared with the places that the whole document itself gives.
  const auto whole = JsonDocument::parse_file(path);
  REQUIRE(whole.ok());
  for (const char* member : {"Brokr", "Topik"}) {
    const JsonLocation expected = whole->root().find("Target")->find(member)->name_location();
    const JsonLocation found = place_of(member);
    CHECK(found.file == path);
    CHECK(found.line == expected.line);
    CHECK(found.column == expected.column);
    CHECK(found.pointer == expected.pointer);
  }
}

TEST_CASE("task_file: problems within a string of JSON are told at the string") {
  const Folder folder;
  Problems problems;
  const TaskFile task =
      read_task_file(folder.write("task.json", "{\n \"TableMappings\": \"{\\\"rules\\\":1}\"}"), problems);
  REQUIRE(task.table_mappings);
  JsonLocation inner;
  inner.file = "--table-mappings";
  inner.pointer = "/rules";
  inner.line = 1;
  inner.column = 10;
  const JsonLocation place =
      *in_task_file(Error(ErrorCode::kInvalidMapping, "wrong").at(inner), *task.table_mappings).location();
  CHECK(place.line == 2);
  CHECK(place.column == 19);
  CHECK(place.pointer == "/TableMappings/rules");
}

TEST_CASE("task_file: every problem is reported") {
  const Folder folder;
  Problems problems;
  static_cast<void>(read_task_file(folder.write("task.json", R"({
  "TableMapping": {}, "MigrationType": "everything", "Source": 7, "Target": "-", "TargetEndpoint": "discard:"})"),
                                   problems));
  std::string all;
  for (const Error& error : problems.errors) all += error.message() + " | " + error.expectation() + "\n";
  CHECK(all ==
        "unknown member \"TableMapping\" of a task file | TableMappings\n"
        "unknown MigrationType | full-load, cdc or full-load-and-cdc\n"
        "Source is a number | an object, a string with JSON, a URL, or file://path\n"
        "TargetEndpoint is given twice, under two names | \n");
}

TEST_CASE("task_file: what cannot be read at all") {
  const Folder folder;
  const auto error_of = [](const std::string& path) {
    Problems problems;
    static_cast<void>(read_task_file(path, problems));
    REQUIRE(problems.errors.size() == 1);
    CHECK(problems.errors[0].code() == ErrorCode::kInvalidSettings);
    return problems.errors[0].message();
  };
  CHECK(error_of("/nowhere/task.json") == "/nowhere/task.json: cannot be opened");
  CHECK(error_of(folder.write("list.json", "[]")) == "a task file holds an array");
  CHECK(error_of(folder.write("two.json", R"({"ReplicationTasks":[{},{}]})")) ==
        "2 tasks where one is meant");
  CHECK_FALSE(error_of(folder.write("broken.json", "{\"Source\": ")).empty());
}

}  // namespace
}  // namespace dmskafka
