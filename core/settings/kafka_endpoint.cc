#include "core/settings/kafka_endpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace dmskafka {
namespace {

constexpr std::size_t kTopicSizeMax = 255;
// SPEC: "AWS DMS supports a maximum message size of 1 MiB for a Kafka target."
constexpr std::int64_t kDmsMessageBytesMax = 1'048'576;

constexpr std::array<std::string_view, 2> kMessageFormats = {"json", "json-unformatted"};
constexpr std::array<std::string_view, 4> kSecurityProtocols = {"plaintext", "ssl-authentication",
                                                                "ssl-encryption", "sasl-ssl"};
constexpr std::array<std::string_view, 2> kSaslMechanisms = {"scram-sha-512", "plain"};
constexpr std::array<std::string_view, 2> kEndpointIdentifications = {"none", "https"};

bool is_port(std::string_view text) {
  unsigned port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() && port >= 1 && port <= 65535;
}

bool is_host(std::string_view text) {
  if (text.starts_with('[')) {
    const bool closed = text.size() > 3 && text.ends_with(']');
    return closed && text.find_first_not_of("0123456789abcdefABCDEF:.%", 1) == text.size() - 1;
  }
  return !text.empty() && text.find_first_of(":/@[] \t") == std::string_view::npos;
}

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

void read_broker(FieldInput& input, KafkaSettings& into) {
  const auto text = input.text();
  if (!text) return;
  auto brokers = parse_brokers(*text);
  if (brokers) {
    into.brokers = std::move(brokers).value();
  } else {
    input.fail(input.problem(brokers.error().message()).expected(brokers.error().expectation()));
  }
}

void read_topic(FieldInput& input, KafkaSettings& into) {
  const auto text = input.text();
  if (!text || text->empty()) return;  // the console writes "" for "not set"
  if (const auto fault = topic_fault(*text)) {
    input.fail(input.problem(fault->message()).expected(fault->expectation()));
    return;
  }
  if (text->size() > kKafkaTopicSizeMax) {
    input.problems().warnings.push_back(input.problem(
        fmt::format("Topic has {} characters; Kafka itself allows {}", text->size(), kKafkaTopicSizeMax)));
  }
  into.topic = *text;
}

void read_message_max_bytes(FieldInput& input, KafkaSettings& into) {
  const auto bytes = input.integer(1, 1'000'000'000, "librdkafka's own limit");
  if (!bytes) return;
  if (*bytes > kDmsMessageBytesMax) {
    input.problems().warnings.push_back(input.problem(
        fmt::format("MessageMaxBytes {} is more than DMS could have sent ({}); the broker's limit is checked "
                    "when the task starts",
                    *bytes, kDmsMessageBytesMax)));
  }
  into.message_max_bytes = *bytes;
}

void read_identification(FieldInput& input, KafkaSettings& into) {
  const auto index = input.choice(kEndpointIdentifications);
  if (!index) return;
  into.ssl_endpoint_identification = static_cast<SslEndpointIdentification>(*index);
  if (into.ssl_endpoint_identification == SslEndpointIdentification::kNone) {
    input.problems().warnings.push_back(input.problem(
        "SslEndpointIdentificationAlgorithm none: any broker with a valid certificate is trusted"));
  }
}

Field<KafkaSettings> certificate_field(std::string_view name, std::string KafkaSettings::*member,
                                       std::string_view which) {
  return {{name, "string", "", "a path or file://path", Verdict::kHonoured,
           fmt::format("file with {}, PEM", which)},
          [member, which](FieldInput& input, KafkaSettings& into) {
            into.*member = certificate_path(input, which);
          }};
}

FieldTable<KafkaSettings> make_table() {
  using T = KafkaSettings;
  return {
      "KafkaSettings",
      "The target endpoint.",
      {
          {{"Broker", "string", "", "host:port, several by comma; IPv6 in brackets", Verdict::kHonoured,
            "required; the brokers to start from"},
           read_broker},
          {{"Topic", "string", T().topic,
            "1 to 255 characters of letters, digits, `.`, `_`, `-`; not both `.` and `_`", Verdict::kHonoured,
            "the topic of every record that no rule sends elsewhere; above 249 characters a warning: Kafka's "
            "own limit"},
           read_topic},
          choice_field<T>("MessageFormat", DMSKAFKA_MEMBER(message_format), kMessageFormats,
                          "json: as cJSON prints; json-unformatted: without white space"),
          boolean_field<T>(
              "IncludeTransactionDetails", DMSKAFKA_MEMBER(include_transaction_details),
              "changes tell their place in their transaction, the one before it, when it was committed and "
              "where it stands in the log; loaded rows have no transaction"),
          boolean_field<T>("IncludePartitionValue", DMSKAFKA_MEMBER(include_partition_value),
                           "the partition key's value in the metadata"),
          boolean_field<T>("PartitionIncludeSchemaTable", DMSKAFKA_MEMBER(partition_include_schema_table),
                           "schema and table before the primary key in the partition key"),
          boolean_field<T>(
              "IncludeTableAlterOperations", DMSKAFKA_MEMBER(include_table_alter_operations),
              "control records when a followed table is altered, renamed, truncated or dropped; a load "
              "changes no table"),
          boolean_field<T>("IncludeControlDetails", DMSKAFKA_MEMBER(include_control_details),
                           "table and column definitions in control records"),
          boolean_field<T>("IncludeNullAndEmpty", DMSKAFKA_MEMBER(include_null_and_empty),
                           "false: NULL and empty strings are left out of the record; true: both are sent"),
          {{"MessageMaxBytes", "integer", std::to_string(T().message_max_bytes), "1 to 1000000000",
            Verdict::kHonoured,
            "most bytes of key and value together; above 1048576 a warning that DMS could not have sent it"},
           read_message_max_bytes},
          choice_field<T>(
              "SecurityProtocol", DMSKAFKA_MEMBER(security_protocol), kSecurityProtocols,
              "sasl-ssl needs SaslUsername and SaslPassword, ssl-authentication a client certificate"),
          certificate_field("SslClientCertificateArn", &T::ssl_client_certificate,
                            "the client's certificate"),
          certificate_field("SslClientKeyArn", &T::ssl_client_key, "the client's private key"),
          certificate_field("SslCaCertificateArn", &T::ssl_ca_certificate, "the certificates to trust"),
          text_field<T>("SslClientKeyPassword", DMSKAFKA_MEMBER(ssl_client_key_password),
                        "secret; of the private key"),
          text_field<T>("SaslUsername", DMSKAFKA_MEMBER(sasl_username), "only with sasl-ssl"),
          text_field<T>("SaslPassword", DMSKAFKA_MEMBER(sasl_password), "secret; only with sasl-ssl"),
          choice_field<T>("SaslMechanism", DMSKAFKA_MEMBER(sasl_mechanism), kSaslMechanisms,
                          "only with sasl-ssl"),
          {{"SslEndpointIdentificationAlgorithm", "choice", "https", "none or https", Verdict::kHonoured,
            "whether the broker's name must stand in its certificate; none gives a warning"},
           read_identification},
          boolean_field<T>("NoHexPrefix", DMSKAFKA_MEMBER(no_hex_prefix), "binary values without `0x`"),
          boolean_field<T>("UseLargeIntegerValue", DMSKAFKA_MEMBER(use_large_integer_value),
                           "integers up to 64 bits as numbers"),
          refused_field<T>("StreamArn", "string", "it belongs to Kinesis; use Broker and Topic"),
          refused_field<T>(
              "ServiceAccessRoleArn", "string",
              "it belongs to Kinesis; use SecurityProtocol sasl-ssl with SaslUsername and SaslPassword"),
      }};
}

}  // namespace

const FieldTable<KafkaSettings>& kafka_table() {
  static const FieldTable<KafkaSettings> table = make_table();
  return table;
}

Result<std::vector<std::string>> parse_brokers(std::string_view text) {
  std::vector<std::string> brokers;
  while (true) {
    const std::size_t comma = text.find(',');
    const std::string_view broker = trimmed(text.substr(0, comma));
    const std::size_t colon = broker.rfind(':');
    const bool in_brackets = broker.find(']') != std::string_view::npos && broker.rfind(']') > colon;
    if (colon == std::string_view::npos || in_brackets) {
      return Error(ErrorCode::kInvalidSettings, fmt::format("broker \"{}\" has no port", broker))
          .expected("host:port");
    }
    if (!is_host(broker.substr(0, colon))) {
      return Error(ErrorCode::kInvalidSettings, fmt::format("broker \"{}\" has no valid host", broker))
          .expected("host:port, an IPv6 address in brackets");
    }
    if (!is_port(broker.substr(colon + 1))) {
      return Error(ErrorCode::kInvalidSettings, fmt::format("broker \"{}\" has no valid port", broker))
          .expected("a port from 1 to 65535");
    }
    brokers.emplace_back(broker);
    if (comma == std::string_view::npos) return brokers;
    text.remove_prefix(comma + 1);
  }
}

std::optional<Error> topic_fault(std::string_view topic) {
  const auto fault = [&](std::string_view what, std::string expected) {
    return Error(ErrorCode::kInvalidSettings, fmt::format("Topic \"{}\" {}", topic.substr(0, 80), what))
        .expected(std::move(expected));
  };
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  };
  if (topic.empty()) return fault("is empty", "1 to 255 characters");
  if (topic.size() > kTopicSizeMax) return fault("is too long", "1 to 255 characters");
  if (!std::all_of(topic.begin(), topic.end(), allowed)) {
    return fault("has a character Kafka does not allow", "letters, digits, \".\", \"_\" and \"-\"");
  }
  if (topic == "." || topic == "..") return fault("is no name Kafka allows", "another name");
  if (topic.find('.') != std::string_view::npos && topic.find('_') != std::string_view::npos) {
    return fault("has both \".\" and \"_\", which collide in Kafka's metrics", "only one of them");
  }
  return std::nullopt;
}

std::string certificate_path(FieldInput& input, std::string_view which) {
  constexpr std::string_view kFile = "file://";
  auto text = input.text();
  if (!text) return {};
  if (text->starts_with("arn:")) {
    input.fail(input.problem(fmt::format("{} is an ARN, which only AWS can read", input.name()))
                   .expected(fmt::format("the path of a PEM file with {}", which)));
    return {};
  }
  return text->starts_with(kFile) ? text->substr(kFile.size()) : *text;
}

void check_kafka_settings(const KafkaSettings& kafka, const JsonLocation& at, Problems& problems) {
  const auto error = [&](std::string message) {
    problems.errors.push_back(Error(ErrorCode::kInvalidSettings, std::move(message)).at(at));
  };
  const bool sasl = kafka.security_protocol == SecurityProtocol::kSaslSsl;
  if (kafka.brokers.empty()) error("KafkaSettings has no Broker");
  if (sasl && (kafka.sasl_username.empty() || kafka.sasl_password.empty())) {
    error("SecurityProtocol sasl-ssl needs SaslUsername and SaslPassword");
  }
  if (!sasl && (!kafka.sasl_username.empty() || !kafka.sasl_password.empty())) {
    error("SaslUsername and SaslPassword need SecurityProtocol sasl-ssl");
  }
  const bool certificate = !kafka.ssl_client_certificate.empty();
  if (certificate != !kafka.ssl_client_key.empty()) {
    error("SslClientCertificateArn and SslClientKeyArn belong together");
  }
  if (kafka.security_protocol == SecurityProtocol::kSslAuthentication && !certificate) {
    error("SecurityProtocol ssl-authentication needs SslClientCertificateArn and SslClientKeyArn");
  }
  if (kafka.security_protocol == SecurityProtocol::kPlaintext &&
      (certificate || !kafka.ssl_ca_certificate.empty())) {
    error("the certificates need a SecurityProtocol other than plaintext");
  }
}

}  // namespace dmskafka
