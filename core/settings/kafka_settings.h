#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace dmskafka {

enum class MessageFormat : std::uint8_t { kJson, kJsonUnformatted };
enum class SecurityProtocol : std::uint8_t { kPlaintext, kSslAuthentication, kSslEncryption, kSaslSsl };
enum class SaslMechanism : std::uint8_t { kScramSha512, kPlain };
enum class SslEndpointIdentification : std::uint8_t { kNone, kHttps };

/// AWS's KafkaSettings; names, ranges and defaults: docs/settings.md. Checked when read: every value here is in range.
struct KafkaSettings {
  std::vector<std::string> brokers;  ///< "host:port"; for the in-process cluster empty
  std::string topic = "kafka-default-topic";
  MessageFormat message_format = MessageFormat::kJson;
  bool include_transaction_details = false;
  bool include_partition_value = false;
  bool partition_include_schema_table = false;
  bool include_table_alter_operations = false;
  bool include_control_details = false;
  bool include_null_and_empty = false;
  std::int64_t message_max_bytes = 1'000'000;  ///< bounds key + value
  SecurityProtocol security_protocol = SecurityProtocol::kPlaintext;
  std::string ssl_client_certificate;  ///< file paths; "" when not set
  std::string ssl_client_key;
  std::string ssl_ca_certificate;
  std::string ssl_client_key_password;  ///< secret
  std::string sasl_username;
  std::string sasl_password;  ///< secret
  SaslMechanism sasl_mechanism = SaslMechanism::kScramSha512;
  SslEndpointIdentification ssl_endpoint_identification = SslEndpointIdentification::kHttps;
  bool no_hex_prefix = false;
  bool use_large_integer_value = false;
};

}  // namespace dmskafka
