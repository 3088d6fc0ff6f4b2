#include "sinks/printing_sink.h"

#include <doctest/doctest.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "sinks/testing/recording_listener.h"

namespace dmskafka {
namespace {

/// A stream whose content can be read back.
class MemoryStream {
 public:
  MemoryStream() : stream_(open_memstream(&data_, &size_)) {}
  ~MemoryStream() {
    std::fclose(stream_);
    std::free(data_);
  }
  MemoryStream(const MemoryStream&) = delete;
  MemoryStream& operator=(const MemoryStream&) = delete;
  std::FILE* get() { return stream_; }
  std::string text() {
    std::fflush(stream_);
    return {data_, size_};
  }

 private:
  char* data_ = nullptr;
  std::size_t size_ = 0;
  std::FILE* stream_;
};

std::string printed(PrintingSinkOptions options, std::int32_t partition, std::string_view key,
                    std::string_view value) {
  MemoryStream stream;
  options.stream = stream.get();
  RecordingListener listener;
  const auto sink = make_printing_sink(options, listener);
  const std::vector<TopicSpec> specs = {{"topic-1", {}, {}, {}}};
  const Topic* topic = sink->open_topics(specs, {}).value().front();
  DeliveryTicket ticket;
  CHECK(sink->send({topic, partition, key, value, &ticket}, {}).ok());
  CHECK(sink->close(std::chrono::seconds(10)).ok());
  CHECK(listener.delivered_of(ticket) == 1);
  CHECK(sink->in_flight() == 0);
  return stream.text();
}

TEST_CASE("printing_sink: NDJSON is exactly this") {
  CHECK(printed({}, 3, "k", R"({"a":1})") ==
        "{\"topic\":\"topic-1\",\"partition\":3,\"key\":\"k\",\"value\":{\"a\":1}}\n");
  CHECK(printed({}, -1, "a\"b\\c\n\x01", "{}") ==
        "{\"topic\":\"topic-1\",\"partition\":null,\"key\":\"a\\\"b\\\\c\\n\\u0001\",\"value\":{}}\n");
}

TEST_CASE("printing_sink: a value of several lines stays one line and whole") {
  CHECK(printed({}, 0, "k", "{\n\t\"a\":\t1\n}") ==
        "{\"topic\":\"topic-1\",\"partition\":0,\"key\":\"k\",\"value\":\"{\\n\\t\\\"a\\\":\\t1\\n}\"}\n");
  CHECK(printed({}, 0, "k", "") == "{\"topic\":\"topic-1\",\"partition\":0,\"key\":\"k\",\"value\":\"\"}\n");
}

TEST_CASE("printing_sink: for people a head line and the value as it is") {
  PrintingSinkOptions options;
  options.format = PrintFormat::kPretty;
  CHECK(printed(options, 3, "k", "{\n}") == "topic-1 partition 3  key \"k\"  4 bytes\n{\n}\n\n");
  options.colours = true;
  CHECK(printed(options, -1, "k\x1b", "{}") == "\x1b[1;36mtopic-1  key \"k\\u001b\"  4 bytes\x1b[0m\n{}\n\n");
}

TEST_CASE("printing_sink: the option's partitions come before the topic's") {
  RecordingListener listener;
  MemoryStream stream;
  PrintingSinkOptions options;
  options.stream = stream.get();
  std::vector<TopicSpec> specs(2);
  specs[1].partitions = 7;
  {
    const auto sink = make_printing_sink(options, listener);
    const auto topics = sink->open_topics(specs, {}).value();
    CHECK(topics[0]->partition_count == 0);
    CHECK(topics[1]->partition_count == 7);
  }
  options.partitions = 12;
  const auto sink = make_printing_sink(options, listener);
  CHECK(sink->open_topics(specs, {}).value()[1]->partition_count == 12);
}

TEST_CASE("printing_sink: every message is written once, lines stay whole, under four senders") {
  RecordingListener listener;
  MemoryStream stream;
  PrintingSinkOptions options;
  options.stream = stream.get();
  const auto sink = make_printing_sink(options, listener);
  const std::vector<TopicSpec> specs = {{"t", {}, {}, {}}};
  const Topic* topic = sink->open_topics(specs, {}).value().front();
  constexpr int kEach = 5'000;
  DeliveryTicket tickets[4];
  std::vector<std::thread> senders;
  for (int sender = 0; sender < 4; ++sender) {
    senders.emplace_back([&, sender] {
      const std::string value = "\"" + std::string(300, static_cast<char>('a' + sender)) + "\"";
      for (int i = 0; i < kEach; ++i) {
        if (!sink->send({topic, 0, std::to_string(i), value, &tickets[sender]}, {})) return;
      }
    });
  }
  for (std::thread& sender : senders) sender.join();
  REQUIRE(sink->close(std::chrono::seconds(30)).ok());
  for (DeliveryTicket& ticket : tickets) CHECK(listener.delivered_of(ticket) == kEach);
  const std::string text = stream.text();
  int next[4] = {0, 0, 0, 0};
  std::size_t begin = 0;
  for (std::size_t end = text.find('\n'); end != std::string::npos;
       begin = end + 1, end = text.find('\n', begin)) {
    const std::string line = text.substr(begin, end - begin);
    const char letter = line[line.size() - 3];
    REQUIRE(letter >= 'a');
    REQUIRE(letter <= 'd');
    const std::string key = std::to_string(next[letter - 'a']++);
    REQUIRE(line == "{\"topic\":\"t\",\"partition\":0,\"key\":\"" + key + "\",\"value\":\"" +
                        std::string(300, letter) + "\"}");
  }
  for (const int count : next) CHECK(count == kEach);
}

TEST_CASE("printing_sink: a closed pipe is the sink's failure and every message is reported") {
  ::signal(SIGPIPE, SIG_IGN);  // as main does
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  ::close(ends[0]);
  std::FILE* stream = ::fdopen(ends[1], "w");
  RecordingListener listener;
  PrintingSinkOptions options;
  options.stream = stream;
  const auto sink = make_printing_sink(options, listener);
  const std::vector<TopicSpec> specs = {{"t", {}, {}, {}}};
  const Topic* topic = sink->open_topics(specs, {}).value().front();
  DeliveryTicket ticket;
  std::uint64_t taken = 0;
  std::optional<Error> failure;
  while (!failure && taken < 1'000'000) {
    auto sent = sink->send({topic, 2, "key", "{}", &ticket}, {});
    if (sent)
      ++taken;
    else
      failure = sent.error();
  }
  REQUIRE(failure);
  CHECK(failure->code() == ErrorCode::kUndelivered);
  CHECK(failure->message() == "the reader of the output has closed it");
  CHECK(sink->close(std::chrono::seconds(10)).error().code() == ErrorCode::kUndelivered);
  CHECK(listener.delivered_count() == 0);
  REQUIRE(listener.failures().size() == taken);
  CHECK(listener.failures()[0].key == "key");
  CHECK(listener.failures()[0].value == "{}");
  CHECK(listener.failures()[0].partition == 2);
  CHECK(listener.failures()[0].code == ErrorCode::kTargetUnavailable);
  std::fclose(stream);
}

TEST_CASE("printing_sink: a reader that does not read holds the sender back until it is stopped") {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  std::FILE* stream = ::fdopen(ends[1], "w");
  RecordingListener listener;
  PrintingSinkOptions options;
  options.stream = stream;
  {
    const auto sink = make_printing_sink(options, listener);
    const std::vector<TopicSpec> specs = {{"t", {}, {}, {}}};
    const Topic* topic = sink->open_topics(specs, {}).value().front();
    DeliveryTicket ticket;
    const std::string value = "\"" + std::string(10'000, 'x') + "\"";
    std::stop_source stop;
    std::atomic<std::uint64_t> taken{0};
    std::thread sender([&] {
      for (;;) {
        auto sent = sink->send({topic, 0, "k", value, &ticket}, stop.get_token());
        if (!sent) {
          CHECK(sent.error().code() == ErrorCode::kCancelled);
          return;
        }
        ++taken;
      }
    });
    std::uint64_t before = 0;
    do {  // until it is held back
      before = taken;
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    } while (taken != before || before == 0);
    CHECK(taken < 400);  // two buffers of 1 MiB and the pipe
    stop.request_stop();
    sender.join();
    ::close(ends[0]);  // lets the writer go
    CHECK_FALSE(sink->close(std::chrono::seconds(10)).ok());
    CHECK(listener.delivered_count() + listener.failures().size() == taken);
  }
  std::fclose(stream);
}

}  // namespace
}  // namespace dmskafka
