#include "core/base/processor_turn.h"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <stop_token>
#include <thread>
#include <vector>

#include "test/support/eventually.h"

namespace dmskafka {
namespace {

using namespace std::chrono_literals;

/// A thread that waits for its turn, notes that it has it, and keeps it until it is told to end.
class Worker {
 public:
  Worker(ProcessorTurns& turns, std::vector<int>& order, Mutex& mutex, int number)
      : thread_([this, &turns, &order, &mutex, number](const std::stop_token& stop) {
          ProcessorTurn turn(turns);
          turn.take(stop);
          if (!turn.held()) return;
          {
            MutexLock lock(mutex);
            order.push_back(number);
          }
          holds_ = true;
          eventually([this] { return ends_.load(); });
        }) {}
  bool holds() const { return holds_; }
  void end() { ends_ = true; }
  void stop() { thread_.request_stop(); }
  void join() { thread_.join(); }

 private:
  std::atomic<bool> holds_{false}, ends_{false};
  std::jthread thread_;
};

}  // namespace

TEST_CASE("as many work at once as there are processors, and the others follow in their order") {
  ProcessorTurns turns(2);
  Mutex mutex;
  std::vector<int> order;
  std::vector<std::unique_ptr<Worker>> workers;
  for (int number = 0; number < 5; ++number) {
    workers.push_back(std::make_unique<Worker>(turns, order, mutex, number));
    REQUIRE(eventually([&] {
      return number < 2 ? workers.back()->holds() : turns.waiting() == static_cast<std::size_t>(number) - 1;
    }));
  }
  CHECK_FALSE(workers[2]->holds());
  for (std::size_t number = 0; number < 5; ++number) {
    if (number + 2 < 5) CHECK_FALSE(workers[number + 2]->holds());
    workers[number]->end();
    workers[number]->join();
    if (number + 2 < 5) REQUIRE(eventually([&] { return workers[number + 2]->holds(); }));
  }
  CHECK(order == std::vector<int>{0, 1, 2, 3, 4});
  ProcessorTurn one(turns), other(turns);  // both are free again
  one.take({});
  other.take({});
  CHECK((one.held() && other.held()));
}

TEST_CASE("a stop request ends the wait for a turn, and nobody hands one to who has left") {
  ProcessorTurns turns(1);
  Mutex mutex;
  std::vector<int> order;
  ProcessorTurn mine(turns);
  mine.take({});
  Worker stopped(turns, order, mutex, 1);
  REQUIRE(eventually([&] { return turns.waiting() == 1; }));
  Worker waiting(turns, order, mutex, 2);
  REQUIRE(eventually([&] { return turns.waiting() == 2; }));
  stopped.stop();
  stopped.join();
  CHECK_FALSE(stopped.holds());
  mine.end();
  CHECK(eventually([&] { return waiting.holds(); }));
  waiting.end();
}

TEST_CASE("a turn is over when it has lasted and somebody waits") {
  ProcessorTurns turns(1);
  ProcessorTurn mine(turns);
  mine.end_if_over();
  CHECK_FALSE(mine.held());
  mine.take({});
  std::this_thread::sleep_for(100ms);
  mine.end_if_over();
  CHECK(mine.held());  // nobody else wants it
  mine.end();
  const auto begun = std::chrono::steady_clock::now();
  mine.take({});

  Mutex mutex;
  std::vector<int> order;
  Worker waiting(turns, order, mutex, 1);
  REQUIRE(eventually([&] { return turns.waiting() == 1; }));
  REQUIRE(eventually([&] {
    mine.end_if_over();
    return !mine.held();
  }));
  CHECK(std::chrono::steady_clock::now() - begun >= 30ms);
  CHECK(eventually([&] { return waiting.holds(); }));
  waiting.end();
}

TEST_CASE("a turn ends with its thread's") {
  ProcessorTurns turns(1);
  { ProcessorTurn(turns).take({}); }
  ProcessorTurn mine(turns);
  std::stop_source stop;
  stop.request_stop();  // would not wait
  mine.take(stop.get_token());
  CHECK(mine.held());
}

}  // namespace dmskafka
