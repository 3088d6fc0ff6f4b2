// What the fastpaths share: values as DMS writes them, the time, and a librdkafka producer that knows nothing else. For programs that
// end at the first problem.
#pragma once
#include <librdkafka/rdkafka.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <string_view>
#include <utility>

namespace fastpath {

[[noreturn]] inline void fail(const std::string& what) {
  std::fprintf(stderr, "fastpath: %s\n", what.c_str());
  std::exit(1);
}

enum class Form { kText, kNumber, kDecimal, kBoolean, kTimestamp };

struct Column {
  std::string prefix;  // ,"name":
  Form form;
};

inline void append_escaped(std::string& out, std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out += '"';
  std::size_t clean = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte >= 0x20 && byte != '"' && byte != '\\') continue;
    out.append(text, clean, i - clean);
    clean = i + 1;
    out += '\\';
    switch (byte) {
      case '"':
      case '\\': out += text[i]; break;
      case '\b': out += 'b'; break;
      case '\f': out += 'f'; break;
      case '\n': out += 'n'; break;
      case '\r': out += 'r'; break;
      case '\t': out += 't'; break;
      default:
        out += "u00";
        out += kHex[byte >> 4];
        out += kHex[byte & 15];
    }
  }
  out.append(text, clean);
  out += '"';
}

inline void append_value(std::string& out, Form form, std::string_view text) {
  switch (form) {
    case Form::kText: append_escaped(out, text); break;
    case Form::kNumber: out += text; break;
    case Form::kDecimal:
      if (text.find('.') != std::string_view::npos) {
        text = text.substr(0, text.find_last_not_of('0') + 1);
        if (text.ends_with('.')) text.remove_suffix(1);
      }
      out += text;
      break;
    case Form::kBoolean: out += text == "t" ? "\"true\"" : "\"false\""; break;
    case Form::kTimestamp: {  // 2024-01-02 03:04:05[.6] -> "2024-01-02T03:04:05[.600000]Z"
      const std::size_t start = out.size();
      out += '"';
      out += text;
      out[start + 11] = 'T';
      if (text.size() > 19) out.append(26 - text.size(), '0');
      out += "Z\"";
      break;
    }
  }
}

// The time of building, as every DMS message carries it. The part down to the second is kept between rows.
class Clock {
 public:
  void append(std::string& out) {
    using namespace std::chrono;
    const auto now = duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
    if (now / 1000000 != second_) {
      second_ = now / 1000000;
      const std::time_t time = second_;
      std::tm parts{};
      gmtime_r(&time, &parts);
      char text[32];
      text_.assign(text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S.", &parts));
    }
    out += text_;
    char fraction[8];
    std::snprintf(fraction, sizeof fraction, "%06d", static_cast<int>(now % 1000000));
    out += fraction;
    out += 'Z';
  }

 private:
  std::int64_t second_ = -1;
  std::string text_;
};

class Producer {
 public:
  Producer(const char* brokers, const char* topic, char** properties, int property_count) {
    rd_kafka_conf_t* conf = rd_kafka_conf_new();
    set(conf, "bootstrap.servers", brokers);
    for (const auto& [name, value] : kDefaults) set(conf, name, value);
    for (int i = 0; i < property_count; ++i) {
      const std::string property = properties[i];
      const std::size_t equals = property.find('=');
      if (equals == std::string::npos) fail("not NAME=VALUE: " + property);
      set(conf, property.substr(0, equals).c_str(), property.substr(equals + 1).c_str());
    }
    rd_kafka_conf_set_opaque(conf, this);
    rd_kafka_conf_set_dr_msg_cb(conf, [](rd_kafka_t*, const rd_kafka_message_t* message, void* self) {
      auto* producer = static_cast<Producer*>(self);
      (message->err == RD_KAFKA_RESP_ERR_NO_ERROR ? producer->acknowledged_ : producer->failed_)++;
    });
    char error[512];
    handle_ = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof error);
    if (handle_ == nullptr) fail(error);
    topic_ = rd_kafka_topic_new(handle_, topic, nullptr);
    if (topic_ == nullptr) fail("no topic handle");
  }
  Producer(const Producer&) = delete;
  Producer& operator=(const Producer&) = delete;
  ~Producer() {
    rd_kafka_topic_destroy(topic_);
    rd_kafka_destroy(handle_);
  }

  void send(std::string_view key, std::string& value) {
    while (rd_kafka_produce(topic_, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, value.data(), value.size(),
                            key.data(), key.size(), nullptr) != 0) {
      if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL)
        fail(rd_kafka_err2str(rd_kafka_last_error()));
      rd_kafka_poll(handle_, 5);
    }
    if (++sent_ % 1024 == 0) rd_kafka_poll(handle_, 0);
  }

  void finish() {
    rd_kafka_flush(handle_, 120000);
    if (failed_ != 0 || acknowledged_ != sent_) fail("not every message was acknowledged");
  }

 private:
  static constexpr std::pair<const char*, const char*> kDefaults[] = {
      {"acks", "all"},
      {"enable.idempotence", "true"},
      {"compression.codec", "lz4"},
      {"linger.ms", "20"},
      {"queue.buffering.max.messages", "200000"},
      {"queue.buffering.max.kbytes", "131072"}};

  static void set(rd_kafka_conf_t* conf, const char* name, const char* value) {
    char error[512];
    if (rd_kafka_conf_set(conf, name, value, error, sizeof error) != RD_KAFKA_CONF_OK) fail(error);
  }

  rd_kafka_t* handle_ = nullptr;
  rd_kafka_topic_t* topic_ = nullptr;
  std::int64_t sent_ = 0;
  std::int64_t acknowledged_ = 0;
  std::int64_t failed_ = 0;
};

// Everything of a message behind its data.
inline void append_metadata(std::string& out, std::string_view schema, Clock& clock) {
  out += "},\"metadata\":{\"timestamp\":\"";
  clock.append(out);
  out +=
      "\",\"record-type\":\"data\",\"operation\":\"load\",\"partition-key-type\":\"primary-key\",\"schema-"
      "name\":\"";
  out += schema;
  out += "\",\"table-name\":\"orders\"}}";
}

struct Counts {
  std::int64_t rows = 0;
  std::int64_t bytes = 0;
};

inline void print(const Counts& counts) {
  std::printf("{\"rows\":%lld,\"bytes\":%lld}\n", static_cast<long long>(counts.rows),
              static_cast<long long>(counts.bytes));
}

}  // namespace fastpath
