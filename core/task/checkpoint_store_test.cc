#include "core/task/checkpoint_store.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "core/task/state_file_lock.h"
#include "core/task/state_file_schema.h"
#include "test/support/random_rounds.h"

namespace dmskafka {
namespace {

namespace fs = std::filesystem;

class TempDirectory {
 public:
  TempDirectory() {
    std::string name = (fs::temp_directory_path() / "dmskafka-store-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path_ = fs::canonical(name);
  }
  ~TempDirectory() { fs::remove_all(path_); }
  std::string file(const std::string& name) const { return (path_ / name).string(); }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

std::unique_ptr<CheckpointStore> open_store(const std::string& path) {
  auto store = open_checkpoint_store({path});
  if (!store) FAIL(store.error().to_string());
  return std::move(store).value();
}

Error open_error(const std::string& path) {
  auto store = open_checkpoint_store({path});
  REQUIRE(!store);
  CHECK(store.error().code() == ErrorCode::kStateFile);
  return store.error();
}

/// Another connection, as the sqlite3 shell would have. The first column of the first row.
std::string query(const std::string& path, const std::string& sql) {
  sqlite3* database = nullptr;
  REQUIRE(sqlite3_open_v2(path.c_str(), &database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr) ==
          SQLITE_OK);
  std::string result;
  char* error = nullptr;
  const auto keep = [](void* out, int, char** values, char**) {
    auto& text = *static_cast<std::string*>(out);
    if (text.empty() && values[0] != nullptr) text = values[0];
    return 0;
  };
  if (sqlite3_exec(database, sql.c_str(), keep, &result, &error) != SQLITE_OK)
    result = fmt::format("error: {}", error);
  sqlite3_free(error);
  sqlite3_close(database);
  return result;
}

std::string bytes_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

unsigned mode_of(const std::string& path) {
  struct stat status {};
  REQUIRE(stat(path.c_str(), &status) == 0);
  return status.st_mode & 0777U;
}

TaskRecord sample_task() {
  TaskRecord task;
  task.task_id = "DZ6OKLFYA5BWVG4RYROQUHXU4E";
  task.source = SourceIdentity{"postgresql", "7212345678901234567", "shop"};
  task.target = "kafka://h:9092/topic";
  task.mapping_digest = "ab12";
  task.snapshot_position = LogPosition{std::string("\0\xFF\0", 3), "0/16B3748", 0xFFFFFFFFFFFFFFFFU, 23};
  return task;
}

TableLoadRecord sample_table() {
  TableLoadRecord table;
  table.name = TableName{"public", "we\"ird 'tä.ble"};
  table.state = TableState::kTableError;
  table.control_records_sent = true;
  table.rows_delivered = 1'000'000'000'000;
  table.bytes_delivered = 9'000'000'000'000'000;
  table.rows_failed = 3;
  table.values_cut = 7;
  table.error = "permission denied";
  table.started_us = 1'700'000'000'000'001;
  table.ended_us = 1'700'000'000'000'002;
  return table;
}

DataErrorRecord sample_error(std::string_view value) {
  DataErrorRecord record;
  record.name = TableName{"public", "t"};
  record.topic = "topic";
  record.partition = 6;
  record.key = "1";
  record.value = value;
  record.reason = "message too large";
  record.time_us = 17;
  return record;
}

TEST_CASE("checkpoint_store: a task and its tables come back as they were saved") {
  TempDirectory directory;
  const std::string path = directory.file("t.dmskafka");
  {
    auto store = open_store(path);
    CHECK(!store->load_task().value().has_value());
    CHECK(store->load_tables().value().empty());
    REQUIRE(store->save_task(sample_task()));
    REQUIRE(store->save_table(sample_table()));
    TableLoadRecord other = sample_table();
    other.name.table = "a";
    other.state = TableState::kTableCompleted;
    REQUIRE(store->save_table(other));
    other.rows_delivered = 5;
    REQUIRE(store->save_table(other));
    REQUIRE(store->close());
  }
  auto store = open_store(path);
  const TaskRecord task = store->load_task().value().value();
  CHECK(task.task_id == sample_task().task_id);
  CHECK(task.source == sample_task().source);
  CHECK(task.target == "kafka://h:9092/topic");
  CHECK(task.mapping_digest == "ab12");
  CHECK(task.snapshot_position.bytes == std::string("\0\xFF\0", 3));
  CHECK(task.snapshot_position.text == "0/16B3748");
  CHECK(task.snapshot_position.order_high == 0xFFFFFFFFFFFFFFFFU);
  CHECK(task.snapshot_position.order_low == 23);
  const std::vector<TableLoadRecord> tables = store->load_tables().value();
  REQUIRE(tables.size() == 2);
  CHECK(tables[0].name == TableName{"public", "a"});
  CHECK(tables[0].state == TableState::kTableCompleted);
  CHECK(tables[0].rows_delivered == 5);
  const TableLoadRecord expected = sample_table();
  CHECK(tables[1].name == expected.name);
  CHECK(tables[1].state == expected.state);
  CHECK(tables[1].control_records_sent);
  CHECK(tables[1].rows_delivered == expected.rows_delivered);
  CHECK(tables[1].bytes_delivered == expected.bytes_delivered);
  CHECK(tables[1].rows_failed == 3);
  CHECK(tables[1].values_cut == 7);
  CHECK(tables[1].error == "permission denied");
  CHECK(tables[1].started_us == expected.started_us);
  CHECK(tables[1].ended_us == expected.ended_us);
}

TEST_CASE("checkpoint_store: a file from before cut values were counted is read, and then counts them") {
  TempDirectory directory;
  const std::string path = directory.file("t");
  REQUIRE(open_store(path)->save_table(sample_table()));
  query(path, "ALTER TABLE table_load DROP COLUMN values_cut");
  CHECK(open_checkpoint_store_for_reading(path).value()->load_tables().value().at(0).values_cut == 0);
  auto store = open_store(path);
  CHECK(store->load_tables().value().at(0).values_cut == 0);
  REQUIRE(store->save_table(sample_table()));
  CHECK(store->load_tables().value().at(0).values_cut == 7);
}

TEST_CASE("checkpoint_store: every state of a table comes back") {
  TempDirectory directory;
  auto store = open_store(directory.file("t"));
  for (const TableState state : {TableState::kBeforeLoad, TableState::kFullLoad, TableState::kTableCompleted,
                                 TableState::kTableCancelled, TableState::kTableError}) {
    TableLoadRecord table = sample_table();
    table.state = state;
    REQUIRE(store->save_table(table));
    CHECK(store->load_tables().value().at(0).state == state);
  }
}

TEST_CASE("checkpoint_store: ranges come back with what is done, and go with their completed table") {
  TempDirectory directory;
  const std::string path = directory.file("t.dmskafka");
  const TableName name{"public", "t"};
  const std::vector<SegmentPlanRecord> plans{
      {name, "token", {{0, "pages 0-8", false, 0}, {1, "pages 8-16", false, 0}, {2, "pages 16-", false, 0}}},
      {{"public", "u"}, "", {{0, "rowid ..5", false, 0}, {1, "rowid 5..", false, 0}}}};
  {
    auto store = open_store(path);
    REQUIRE(store->save_segment_plans(plans).ok());
    const std::vector<SegmentLoadRecord> done{{2, "pages 16-", true, 77}, {0, "pages 0-8", true, 5}};
    REQUIRE(store->save_segments_done(name, done).ok());
    REQUIRE(store->save_threads({8, 4, 5, 50, 33}).ok());
  }
  CHECK(
      query(
          path,
          "SELECT group_concat(segment || range || done || rows) FROM segment_load WHERE table_name = 't'") ==
      "0pages 0-815,1pages 8-1600,2pages 16-177");
  auto store = open_store(path);
  auto loaded = store->load_segment_plans();
  REQUIRE(loaded.ok());
  REQUIRE(loaded->size() == 2);
  CHECK((*loaded)[0].name == name);
  CHECK((*loaded)[0].token == "token");
  CHECK((*loaded)[0].segments.at(0).done);
  CHECK((*loaded)[0].segments.at(0).rows == 5);
  CHECK_FALSE((*loaded)[0].segments.at(1).done);
  CHECK((*loaded)[0].segments.at(2).range == "pages 16-");
  auto threads = store->load_threads();
  REQUIRE(threads.ok());
  CHECK(threads->queue_records_high_water == 33);

  TableLoadRecord table;
  table.name = name;
  table.state = TableState::kTableError;
  REQUIRE(store->save_table(table).ok());
  CHECK(store->load_segment_plans()->size() == 2);
  table.state = TableState::kTableCompleted;
  REQUIRE(store->save_table(table).ok());
  CHECK(store->load_segment_plans()->size() == 1);
  CHECK(query(path, "SELECT count(*) FROM segment_load") == "2");
  // A plan without segments takes the place of an older one: the table is read whole.
  const std::vector<SegmentPlanRecord> none{{{"public", "u"}, "", {}}};
  REQUIRE(store->save_segment_plans(none).ok());
  CHECK(store->load_segment_plans()->empty());
  REQUIRE(store->discard_task().ok());
  CHECK(query(path, "SELECT count(*) FROM load_threads") == "0");
}

TEST_CASE("checkpoint_store: an undelivered message is kept whole, and discard_task forgets everything") {
  TempDirectory directory;
  const std::string path = directory.file("t.dmskafka");
  auto store = open_store(path);
  const std::string value("{\"a\":\"\0x\"}", 10);
  REQUIRE(store->add_data_error(sample_error(value)));
  REQUIRE(store->add_data_error(sample_error("")));
  CHECK(store->count_data_errors().value() == 2);
  CHECK(query(path,
              "SELECT hex(value) || '|' || hex(key) || '|' || topic || '|' || partition || '|' || reason || "
              "'|' ||"
              " schema_name || '|' || table_name || '|' || time_us FROM data_error ORDER BY id") ==
        "7B2261223A220078227D|31|topic|6|message too large|public|t|17");
  REQUIRE(store->save_task(sample_task()));
  REQUIRE(store->save_table(sample_table()));
  REQUIRE(store->discard_task());
  CHECK(store->count_data_errors().value() == 0);
  CHECK(!store->load_task().value().has_value());
  CHECK(store->load_tables().value().empty());
}

TEST_CASE(
    "checkpoint_store: data_error has a bound, which a reopened store remembers, and the store lives on") {
  TempDirectory directory;
  const std::string path = directory.file("t");
  const CheckpointStoreOptions options{path, 3000};
  {
    auto store = open_checkpoint_store(options).value();
    REQUIRE(store->add_data_error(sample_error(std::string(2000, 'x'))));
    REQUIRE(store->close());
  }
  auto store = open_checkpoint_store(options).value();
  const auto refused = store->add_data_error(sample_error(std::string(1000, 'x')));
  REQUIRE(!refused);
  CHECK(refused.error().code() == ErrorCode::kStateFile);
  CHECK(refused.error().to_string() ==
        fmt::format(
            "state file {}: data_error holds 2087 bytes of undelivered messages; one of 1087 more would pass "
            "DataErrorBytesMax = 3000\n  see why so many messages fail (SELECT reason, count(*) FROM "
            "data_error "
            "GROUP BY 1), or raise DataErrorBytesMax",
            path));
  REQUIRE(store->add_data_error(sample_error("small")));
  REQUIRE(store->save_table(sample_table()));
  REQUIRE(store->discard_task());
  REQUIRE(store->add_data_error(sample_error(std::string(1000, 'x'))));
}

TEST_CASE("checkpoint_store: the file says what it is, and is its owner's alone") {
  TempDirectory directory;
  const std::string path = directory.file("t");
  const mode_t before = umask(0);
  auto store = open_store(path);
  REQUIRE(store->save_task(sample_task()));
  umask(before);
  for (const char* suffix : {"", "-wal", "-shm", ".lock"}) {
    INFO(suffix);
    CHECK(mode_of(path + suffix) == 0600U);
  }
  CHECK(query(path, "PRAGMA application_id") == std::to_string(kStateFileApplicationId));
  CHECK(query(path, "PRAGMA user_version") == "2");
  CHECK(query(path, "PRAGMA journal_mode") == "wal");
  CHECK(query(path,
              "SELECT group_concat(name, ' ') FROM (SELECT name FROM sqlite_schema WHERE type = 'table' "
              "ORDER BY 1)") ==
        "checkpoint column_schema data_error load_threads segment_load segment_plan table_load table_schema "
        "table_statistics task");
}

TEST_CASE("checkpoint_store: a file that others can read is closed to them") {
  TempDirectory directory;
  const std::string path = directory.file("t");
  REQUIRE(open_store(path)->close());
  fs::permissions(path, fs::perms{0664});
  auto store = open_store(path);
  CHECK(mode_of(path) == 0600U);
}

TEST_CASE("checkpoint_store: another process reads while the task writes") {
  TempDirectory directory;
  const std::string path = directory.file("t");
  auto store = open_store(path);
  REQUIRE(store->save_table(sample_table()));
  CHECK(query(path, "SELECT state FROM table_load") == "Table error");
  auto reader = open_checkpoint_store_for_reading(path);
  REQUIRE(reader);
  CHECK(reader.value()->load_tables().value().size() == 1);
  REQUIRE(store->save_task(sample_task()));
  CHECK(reader.value()->load_task().value()->task_id == sample_task().task_id);
  const auto refused = reader.value()->save_task(sample_task());
  REQUIRE(!refused);
  CHECK(refused.error().to_string() == fmt::format("state file {}: it is open for reading only", path));
  CHECK(reader.value()->count_data_errors().value() == 0);
}

TEST_CASE("checkpoint_store: a second one is refused with the holder's pid") {
  TempDirectory directory;
  const std::string path = directory.file("t");
  auto store = open_store(path);
  CHECK(open_error(path).to_string() == fmt::format("the state file {} is in use by process {}\n  one "
                                                    "process at a time works on a task: wait for it, stop "
                                                    "it, or give this one its own --state",
                                                    path, getpid()));
  fs::create_symlink(path, directory.file("link"));
  CHECK(open_error(directory.file("link")).message() ==
        fmt::format("the state file {} is in use by process {}", path, getpid()));
  REQUIRE(store->close());
  CHECK(!fs::exists(path + ".lock"));
  CHECK(!fs::exists(path + "-wal"));
  REQUIRE(open_store(path)->close());
}

/// Runs `body` in a child that ends by SIGKILL while it holds what it opened.
template <typename Body>
void killed_child(Body body) {
  int ready[2];
  REQUIRE(pipe(ready) == 0);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    [[maybe_unused]] auto kept = body();
    const char done = 'x';
    if (write(ready[1], &done, 1) != 1) _exit(1);
    for (;;) pause();
  }
  char done = 0;
  REQUIRE(read(ready[0], &done, 1) == 1);
  close(ready[0]);
  close(ready[1]);
  kill(child, SIGKILL);
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE(WIFSIGNALED(status));
}

TEST_CASE("checkpoint_store: what a killed process saved is there, to readers and to the next one") {
  TempDirectory directory;
  const std::string path = directory.file("t");
  killed_child([&] {
    auto store = open_checkpoint_store({path}).value();
    if (!store->save_task(sample_task()) || !store->add_data_error(sample_error("v"))) _exit(1);
    return store;
  });
  REQUIRE(fs::file_size(path + "-wal") > 0);
  REQUIRE(fs::exists(path + ".lock"));

  const std::string file = bytes_of(path);
  const std::string wal = bytes_of(path + "-wal");
  for (const bool with_shm : {true, false}) {
    if (!with_shm) fs::remove(path + "-shm");
    auto reader = open_checkpoint_store_for_reading(path);
    REQUIRE(reader);
    CHECK(reader.value()->load_task().value()->task_id == sample_task().task_id);
    CHECK(reader.value()->count_data_errors().value() == 1);
    REQUIRE(reader.value()->close());
    CHECK((bytes_of(path) == file && bytes_of(path + "-wal") == wal));  // a reader changes nothing
  }
  auto store = open_store(path);  // the dead one's lock is gone with it
  CHECK(store->load_task().value()->mapping_digest == "ab12");
}

// A holder removes its file when it ends, while others may have it open already.
TEST_CASE("checkpoint_store: at most one of many holds the lock at any time") {
  TempDirectory directory;
  const std::string path = directory.file("t");
  std::atomic<int> inside{0};
  std::atomic<int> entered{0};
  std::atomic<int> together{0};
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < random_rounds(20'000); ++round) {
        auto lock = StateFileLock::acquire(path);
        if (!lock) continue;
        if (inside.fetch_add(1) != 0) together.fetch_add(1);
        entered.fetch_add(1);
        inside.fetch_sub(1);
      }
    });
  }
  threads.clear();
  CHECK(together.load() == 0);
  CHECK(entered.load() > 0);
}

TEST_CASE("checkpoint_store: another application's WAL is not folded into its file") {
  TempDirectory directory;
  const std::string path = directory.file("shop.db");
  killed_child([&] {
    sqlite3* database = nullptr;
    if (sqlite3_open(path.c_str(), &database) != SQLITE_OK) _exit(1);
    const char* sql = "PRAGMA journal_mode = WAL; CREATE TABLE orders (id)";
    if (sqlite3_exec(database, sql, nullptr, nullptr, nullptr) != SQLITE_OK) _exit(1);
    return database;
  });
  const std::string file = bytes_of(path);
  const std::string wal = bytes_of(path + "-wal");
  REQUIRE(!wal.empty());
  CHECK(open_error(path).message().find("another application's SQLite database") != std::string::npos);
  CHECK((bytes_of(path) == file && bytes_of(path + "-wal") == wal));
}

TEST_CASE("checkpoint_store: what is not ours stays as it is") {
  TempDirectory directory;
  const std::string path = directory.file("shop.db");
  SUBCASE("another application's database") {
    query(path, "CREATE TABLE orders (id INTEGER PRIMARY KEY); INSERT INTO orders VALUES (1)");
    const std::string before = bytes_of(path);
    fs::permissions(path, fs::perms{0644});
    CHECK(open_error(path).to_string() == fmt::format("state file {}: this is not a state file: it is "
                                                      "another application's SQLite database\n  name another "
                                                      "file with --state; this one was left as it is",
                                                      path));
    CHECK(bytes_of(path) == before);
    CHECK(mode_of(path) == 0644U);
    CHECK(!fs::exists(path + ".lock"));
    CHECK(!open_checkpoint_store_for_reading(path));
  }
  SUBCASE("an empty database of another application") {
    query(path, "PRAGMA application_id = 7");
    CHECK(open_error(path).message().find("another application's SQLite database") != std::string::npos);
  }
  SUBCASE("no database") {
    std::ofstream(path) << std::string(5000, 'x');
    CHECK(
        open_error(path).to_string() ==
        fmt::format(
            "state file {}: this is not a state file: it is not an SQLite database\n  name another file with "
            "--state; this one was left as it is",
            path));
    CHECK(bytes_of(path) == std::string(5000, 'x'));
  }
  SUBCASE("a newer schema version") {
    REQUIRE(open_store(path)->close());
    query(path, "PRAGMA user_version = 3");
    CHECK(open_error(path).to_string() == fmt::format("state file {}: made by a newer dmskafka: its schema "
                                                      "version is 3, this program knows 2\n  use the newer "
                                                      "program, or another --state",
                                                      path));
    CHECK(open_checkpoint_store_for_reading(path).error().message().find("newer dmskafka") !=
          std::string::npos);
  }
  SUBCASE("a directory") {
    CHECK(open_error(directory.path().string()).message().find("not a file's name") != std::string::npos);
  }
  SUBCASE("a device") { CHECK(!open_checkpoint_store({"/dev/null"})); }
  SUBCASE("no name") { CHECK(open_error("").message() == "state file : the name is empty"); }
}

TEST_CASE("checkpoint_store: an empty file becomes a state file") {
  TempDirectory directory;
  const std::string path = directory.file("t");
  std::ofstream(path).flush();
  CHECK(open_checkpoint_store_for_reading(path).error().message().find("it is empty") != std::string::npos);
  REQUIRE(open_store(path)->save_task(sample_task()));
}

TEST_CASE("checkpoint_store: names with a meaning to SQLite are only names") {
  TempDirectory directory;
  const fs::path before = fs::current_path();
  fs::current_path(directory.path());
  REQUIRE(open_store(":memory:")->save_task(sample_task()));
  REQUIRE(open_store("file:x?mode=memory")->save_task(sample_task()));
  fs::current_path(before);
  CHECK(fs::exists(directory.file(":memory:")));
  CHECK(fs::exists(directory.file("file:x?mode=memory")));
}

TEST_CASE("checkpoint_store: a damaged state is named") {
  TempDirectory directory;
  const std::string path = directory.file("t");
  REQUIRE(open_store(path)->save_table(sample_table()));
  query(path, "UPDATE table_load SET state = 'Half'");
  auto store = open_store(path);
  CHECK(store->load_tables().error().message() ==
        fmt::format("state file {}: damaged: public.we\"ird 'tä.ble has the unknown state \"Half\"", path));
}

TEST_CASE("checkpoint_store: no state file to read") {
  TempDirectory directory;
  const std::string path = directory.file("none");
  CHECK(open_checkpoint_store_for_reading(path).error().to_string() ==
        fmt::format("state file {}: there is no such file\n  no load has run with it yet; give --state or "
                    "--task-id as the load "
                    "had them",
                    path));
  CHECK(!fs::exists(path));
}

TEST_CASE("checkpoint_store: a directory that cannot be written is named") {
  TempDirectory directory;
  CHECK(open_error(directory.file("no/such/t")).message() ==
        fmt::format("cannot lock {}.lock: No such file or directory", directory.file("no/such/t")));
  const bool as_root = geteuid() == 0;
  fs::permissions(directory.path(), fs::perms{0555});
  if (as_root) REQUIRE(seteuid(65534) == 0);
  auto store = open_checkpoint_store({directory.file("t")});
  if (as_root) REQUIRE(seteuid(0) == 0);
  fs::permissions(directory.path(), fs::perms{0755});
  REQUIRE(!store);
  CHECK(store.error().to_string() == fmt::format("cannot lock {}.lock: Permission denied\n  the state file "
                                                 "needs an existing directory that can be written; "
                                                 "choose one with --state",
                                                 directory.file("t")));
}

/// Writes until it fails, then checks that nothing works any more and close() says why.
void write_until_dead(CheckpointStore& store, std::string_view expected_text) {
  const std::string value(20'000, 'v');
  std::optional<Error> first;
  for (int i = 0; i < 1000 && !first; ++i) {
    if (auto added = store.add_data_error(sample_error(value)); !added) first = added.error();
  }
  REQUIRE(first.has_value());
  CHECK(first->code() == ErrorCode::kStateFile);
  CHECK(first->to_string().find(expected_text) != std::string::npos);
  CHECK(store.save_table(sample_table()).error().to_string() == first->to_string());
  CHECK(store.load_task().error().to_string() == first->to_string());
  CHECK(store.close().error().to_string() == first->to_string());
}

TEST_CASE("checkpoint_store: a full disk kills the store, and what was saved before it is there") {
  TempDirectory directory;
  if (mount("tmpfs", directory.path().c_str(), "tmpfs", 0, "size=512k") != 0) {
    MESSAGE("SKIPPED: no right to mount a small tmpfs");
    return;
  }
  const std::string path = directory.file("t");
  {
    auto store = open_store(path);
    REQUIRE(store->save_task(sample_task()));
    write_until_dead(*store, "the disk is full\n  make room, then run the same command again: it resumes");
  }
  auto reader = open_checkpoint_store_for_reading(path);
  REQUIRE(reader);
  CHECK(reader.value()->load_task().value()->task_id == sample_task().task_id);
  CHECK(reader.value()->count_data_errors().value() > 0);
  reader.value().reset();
  REQUIRE(umount(directory.path().c_str()) == 0);
}

TEST_CASE("checkpoint_store: a write error kills the store") {
  TempDirectory directory;
  auto store = open_store(directory.file("t"));
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
  const auto old_handler = signal(SIGXFSZ, SIG_IGN);
  const rlimit small{600'000, before.rlim_max};
  REQUIRE(setrlimit(RLIMIT_FSIZE, &small) == 0);
  write_until_dead(*store, "check the disk (space, quota, limits)");
  REQUIRE(setrlimit(RLIMIT_FSIZE, &before) == 0);
  signal(SIGXFSZ, old_handler);
}

TEST_CASE("checkpoint_store: several threads write at once") {
  TempDirectory directory;
  auto store = open_store(directory.file("t"));
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&store, i] {
      TableLoadRecord table = sample_table();
      table.name.table = std::to_string(i);
      for (int round = 0; round < 25; ++round) {
        if (!store->save_table(table) || !store->add_data_error(sample_error("v"))) return;
      }
    });
  }
  threads.clear();
  CHECK(store->load_tables().value().size() == 4);
  CHECK(store->count_data_errors().value() == 100);
}

TEST_CASE("checkpoint_store: the null store keeps nothing") {
  auto store = make_null_checkpoint_store();
  REQUIRE(store->save_task(sample_task()));
  REQUIRE(store->add_data_error(sample_error("v")));
  CHECK(!store->load_task().value().has_value());
  CHECK(store->count_data_errors().value() == 0);
  REQUIRE(store->close());
}

CdcCheckpoint checkpoint_at(std::uint64_t number) {
  CdcCheckpoint checkpoint;
  checkpoint.position = LogPosition{"\0p" + std::to_string(number), std::to_string(number), 1, number};
  checkpoint.previous = PreviousTransaction{~std::uint64_t{0}, 7};
  checkpoint.commit_us = 11;
  checkpoint.saved_us = 12;
  checkpoint.transactions = 13;
  return checkpoint;
}

std::shared_ptr<const TableSchema> orders_schema() {
  auto schema = std::make_shared<TableSchema>();
  schema->name = TableName{"public", "orders"};
  schema->source_handle = "16384";
  schema->old_row = OldRow::kOtherColumns;
  ColumnSchema line;
  line.name = "line";
  line.type = DmsType::kInt32;
  line.value_kind = ValueKind::kInteger;
  line.nullable = false;
  ColumnSchema price = line;
  price.name = "price";
  price.type = DmsType::kDecimal;
  price.value_kind = ValueKind::kDecimal;
  price.precision = 12;
  price.scale = 2;
  price.source_type = "numeric(12,2)";
  price.number = 5;
  ColumnSchema text;
  text.name = "text";
  text.length = 40;
  text.lob = true;
  text.collation = "C";
  ColumnSchema order = line;
  order.name = "order";
  schema->columns = {line, price, text, order};
  schema->primary_key = {3, 0};
  return schema;
}

TEST_CASE("checkpoint_store: a checkpoint comes back whole, with its statistics and schemas") {
  const TempDirectory directory;
  const std::string path = directory.file("s");
  {
    const auto store = open_store(path);
    CHECK(!*store->load_checkpoint());
    CheckpointUpdate update;
    update.checkpoint = checkpoint_at(5);
    update.statistics = {TableStatistics{TableName{"public", "orders"}, 1, 2, 3, 4, 5}};
    update.schemas = {orders_schema()};
    REQUIRE(store->save_checkpoint(update));
  }
  const auto store = open_store(path);
  const auto checkpoint = *store->load_checkpoint();
  REQUIRE(checkpoint);
  CHECK(checkpoint->position.bytes == checkpoint_at(5).position.bytes);
  CHECK(checkpoint->position.text == "5");
  CHECK(checkpoint->position == checkpoint_at(5).position);
  CHECK(checkpoint->previous == checkpoint_at(5).previous);
  CHECK(checkpoint->commit_us == 11);
  CHECK(checkpoint->saved_us == 12);
  CHECK(checkpoint->transactions == 13);
  const auto statistics = *store->load_statistics();
  REQUIRE(statistics.size() == 1);
  CHECK(statistics[0].name == TableName{"public", "orders"});
  CHECK(statistics[0].inserts == 1);
  CHECK(statistics[0].updates == 2);
  CHECK(statistics[0].deletes == 3);
  CHECK(statistics[0].ddls == 4);
  CHECK(statistics[0].last_update_us == 5);
  const auto schemas = *store->load_schemas();
  REQUIRE(schemas.size() == 1);
  CHECK(schemas[0].name == orders_schema()->name);
  CHECK(schemas[0].source_handle == "16384");
  CHECK(schemas[0].old_row == OldRow::kOtherColumns);
  CHECK(schemas[0].columns == orders_schema()->columns);
  CHECK(schemas[0].primary_key == orders_schema()->primary_key);
}

TEST_CASE("checkpoint_store: a checkpoint never moves back") {
  const TempDirectory directory;
  const auto store = open_store(directory.file("s"));
  CheckpointUpdate update;
  update.checkpoint = checkpoint_at(5);
  REQUIRE(store->save_checkpoint(update));
  REQUIRE(store->save_checkpoint(update));
  update.checkpoint = checkpoint_at(4);
  const auto refused = store->save_checkpoint(update);
  REQUIRE(!refused);
  CHECK(refused.error().message() == "a checkpoint would move back from 5 to 4");
  CHECK((*store->load_checkpoint())->position.text == "5");
}

TEST_CASE("checkpoint_store: a forgotten table is gone, an altered one is replaced, the others stay") {
  const TempDirectory directory;
  const auto store = open_store(directory.file("s"));
  CheckpointUpdate update;
  update.checkpoint = checkpoint_at(1);
  auto kept = std::make_shared<TableSchema>(*orders_schema());
  kept->name.table = "kept";
  update.schemas = {orders_schema(), kept};
  REQUIRE(store->save_checkpoint(update));
  auto altered = std::make_shared<TableSchema>(*kept);
  altered->columns.pop_back();
  altered->primary_key = {0};
  update.forgotten = {orders_schema()->name};
  update.schemas = {altered};
  REQUIRE(store->save_checkpoint(update));
  const auto schemas = *store->load_schemas();
  REQUIRE(schemas.size() == 1);
  CHECK(schemas[0].name.table == "kept");
  CHECK(schemas[0].columns.size() == 3);
  REQUIRE(store->discard_task());
  CHECK(!*store->load_checkpoint());
  CHECK(store->load_schemas()->empty());
}

TEST_CASE(
    "checkpoint_store: a checkpoint from before starts and caught-up times were stored is read, and then has "
    "them") {
  TempDirectory directory;
  const std::string path = directory.file("t");
  CheckpointUpdate update;
  update.checkpoint = checkpoint_at(5);
  update.checkpoint.caught_up_us = 77;
  update.checkpoint.started = true;
  REQUIRE(open_store(path)->save_checkpoint(update));
  query(path, "ALTER TABLE checkpoint DROP COLUMN caught_up_us");
  query(path, "ALTER TABLE checkpoint DROP COLUMN started");
  const auto reading = open_checkpoint_store_for_reading(path);
  CHECK((*reading.value()->load_checkpoint())->caught_up_us == 0);
  CHECK_FALSE((*reading.value()->load_checkpoint())->started);
  auto store = open_store(path);
  CHECK_FALSE((*store->load_checkpoint())->started);
  REQUIRE(store->save_checkpoint(update));
  CHECK((*store->load_checkpoint())->caught_up_us == 77);
  CHECK((*store->load_checkpoint())->started);
}

TEST_CASE(
    "checkpoint_store: a file of version 1 is read as it is, and brought up to date when opened for "
    "writing") {
  const TempDirectory directory;
  const std::string path = directory.file("s");
  query(path,
        fmt::format(
            "BEGIN; {}; CREATE TABLE checkpoint (id INTEGER); CREATE TABLE table_statistics (id INTEGER);"
            " PRAGMA application_id = {}; PRAGMA user_version = 1; COMMIT",
            kStateFileSchema, kStateFileApplicationId));
  query(path, "INSERT INTO load_threads VALUES (1, 7, 0, 0, 0, 0)");
  {
    const auto reading = open_checkpoint_store_for_reading(path);
    REQUIRE(reading);
    CHECK(!*(*reading)->load_checkpoint());
    CHECK((*reading)->load_statistics()->empty());
  }
  const auto store = open_store(path);
  CHECK(query(path, "PRAGMA user_version") == "2");
  CHECK(store->load_threads()->reader_threads == 7);
  CheckpointUpdate update;
  update.checkpoint = checkpoint_at(5);
  REQUIRE(store->save_checkpoint(update));
  CHECK((*store->load_checkpoint())->position.text == "5");
}

}  // namespace
}  // namespace dmskafka
