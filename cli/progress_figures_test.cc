#include "cli/progress_figures.h"

#include <doctest/doctest.h>

#include <chrono>

namespace dmskafka {
namespace {
using namespace std::chrono_literals;

// A task of three tables: one done, one in work with an estimate, one waiting.
struct Task {
  TaskProgress progress;
  TableProgress& done = progress.add_table({"public", "countries"});
  TableProgress& orders = progress.add_table({"public", "orders"});
  TableProgress& lines = progress.add_table({"public", "lines"});
  ProgressMeter meter;
  ProgressMeter::Clock::time_point start{1000s};

  Task() {
    done.state = TableState::kTableCompleted;
    done.rows_delivered = 200;
    done.bytes_delivered = 20'000;
    done.rows_estimate = 90'000;  // was wrong; the table is done
    orders.state = TableState::kFullLoad;
    orders.rows_estimate = 1'000'000;
    lines.rows_estimate = 500'000;
    progress.ready = true;
  }
};

TEST_CASE("progress: rates and time left come from what was delivered between two moments") {
  Task task;
  static_cast<void>(task.meter.sample(task.progress, task.start));
  task.orders.rows_delivered = 200'000;
  task.orders.bytes_delivered = 50'000'000;
  const ProgressFigures figures = task.meter.sample(task.progress, task.start + 2s);
  REQUIRE(figures.in_work.size() == 1);
  CHECK(figures.in_work[0].name == "public.orders");
  CHECK(figures.in_work[0].flow.rows_per_second == doctest::Approx(100'000));
  CHECK(figures.in_work[0].flow.percent() == 20);
  CHECK(figures.in_work[0].flow.left() == 8s);
  CHECK(figures.flow.rows == 200'200);
  CHECK(figures.flow.rows_estimate == 1'500'200);
  CHECK(figures.flow.bytes_per_second == doctest::Approx(25'000'000));
  CHECK(figures.flow.left() == 13s);
}

TEST_CASE("progress: a load that begins again counts from what was done, without a huge rate") {
  Task task;
  task.orders.rows_delivered = 200'000;
  static_cast<void>(task.meter.sample(task.progress, task.start));
  task.orders.rows_delivered = 150'000;
  static_cast<void>(task.meter.sample(task.progress, task.start + 1s));
  task.orders.rows_delivered = 160'000;
  const ProgressFigures figures = task.meter.sample(task.progress, task.start + 2s);
  CHECK(figures.in_work[0].flow.rows_per_second == doctest::Approx(10'000));
  CHECK(figures.flow.rows_per_second == doctest::Approx(10'000));
}

TEST_CASE("progress: rates forget what is more than ten seconds old") {
  Task task;
  for (int second = 0; second <= 60; ++second) {
    task.orders.rows_delivered =
        second <= 30 ? static_cast<std::uint64_t>(second) * 1000 : 30'000;  // stalls after 30 s
    const ProgressFigures figures = task.meter.sample(task.progress, task.start + second * 1s);
    if (second == 30) CHECK(figures.flow.rows_per_second == doctest::Approx(1000));
    if (second == 35) CHECK(figures.flow.rows_per_second == doctest::Approx(500));
    if (second == 45) CHECK(figures.flow.rows_per_second == doctest::Approx(0));
    if (second == 45) CHECK_FALSE(figures.flow.left());
  }
}

TEST_CASE("progress: an estimate that was too small never shows 100 % nor a time left") {
  FlowFigures flow;
  flow.rows = 150;
  flow.rows_estimate = 100;
  flow.rows_per_second = 10;
  CHECK(flow.percent() == 99);
  CHECK_FALSE(flow.left());
  flow.rows_estimate = 0;
  CHECK_FALSE(flow.percent());
}

TEST_CASE("progress: one table without an estimate leaves the whole without one") {
  Task task;
  task.lines.rows_estimate = 0;
  CHECK_FALSE(task.meter.sample(task.progress, task.start).flow.percent());
}

TEST_CASE("progress: the live block has a line for each table in work and one for the whole") {
  Task task;
  static_cast<void>(task.meter.sample(task.progress, task.start));
  task.orders.rows_delivered = 200'000;
  task.orders.bytes_delivered = 50'000'000;
  const auto lines = progress_block(task.meter.sample(task.progress, task.start + 2s), 100, 20);
  REQUIRE(lines.size() == 2);
  CHECK(lines[0] ==
        "public.orders                             200,000 rows   20 %    100,000 rows/s  25.0 MB/s  8.00 s "
        "left");
  CHECK(lines[1] ==
        "1 of 3 tables                             200,200 rows   13 %    100,000 rows/s  25.0 MB/s  13.0 s "
        "left");
}

TEST_CASE("progress: more tables in work than lines are counted, and long names are cut") {
  ProgressFigures figures;
  figures.tables = 9;
  for (int i = 0; i < 9; ++i)
    figures.in_work.push_back({"a_schema_with_a_long_name.ein_überlanger_tabellenname", {}});
  const auto lines = progress_block(figures, 80, 5);
  REQUIRE(lines.size() == 5);
  CHECK(lines[0].substr(0, 20) == "a_schema_with_a…  ");
  CHECK(lines[3] == "and 6 more");
}

TEST_CASE("progress: before the tables are known the block says what is waited for") {
  TaskProgress progress;
  progress.set_phase("connecting to the source");
  ProgressMeter meter;
  const ProgressFigures figures = meter.sample(progress, ProgressMeter::Clock::time_point(1s));
  CHECK(progress_block(figures, 80, 5) == std::vector<std::string>{"connecting to the source"});
  CHECK(progress_line(figures) == "connecting to the source");
}

TEST_CASE("progress: the line for logs") {
  Task task;
  static_cast<void>(task.meter.sample(task.progress, task.start));
  task.orders.rows_delivered = 200'000;
  task.orders.bytes_delivered = 50'000'000;
  task.orders.rows_failed = 2;
  const ProgressFigures figures = task.meter.sample(task.progress, task.start + 2s);
  CHECK(
      progress_line(figures) ==
      "1 of 3 tables: 200,200 rows (13 %), 50.0 MB, 100,000 rows/s, 25.0 MB/s, 13.0 s left, 2 not delivered");
  CHECK(
      progress_json_members(figures) ==
      R"(,"event":"progress","phase":"","tables":3,"tables_done":1,"tables_in_error":0,"rows":200200,"bytes":50020000,)"
      R"("rows_failed":2,"rows_per_second":100000,"bytes_per_second":25000000,"rows_estimate":1500200,"seconds_left":13,)"
      R"("in_work":[{"table":"public.orders","rows":200000,"bytes":50000000,"rows_per_second":100000}])");
}

}  // namespace
}  // namespace dmskafka
