#include "core/settings/endpoint_document.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/json/json_writer.h"
#include "core/settings/kafka_endpoint.h"
#include "core/settings/source_endpoint.h"

namespace dmskafka {
namespace {

enum class Role : std::uint8_t { kSource, kTarget };

std::string_view role_name(Role role) { return role == Role::kSource ? "source" : "target"; }

Error wrong(const JsonValue& value, std::string message) {
  return Error(ErrorCode::kInvalidSettings, std::move(message)).at(value.location());
}

constexpr std::array<std::string_view, 4> kSslModes = {"none", "require", "verify-ca", "verify-full"};
constexpr std::array<std::string_view, 2> kEndpointTypes = {"source", "target"};

void read_ca_certificate(FieldInput& input, EndpointRequest& into) {
  into.source.ca_certificate = certificate_path(input, "the certificates to trust");
}

void read_ssl_mode(FieldInput& input, EndpointRequest& into) {
  // kUnset comes first among the enumerators.
  if (const auto index = input.choice(kSslModes)) into.source.ssl_mode = static_cast<SslMode>(*index + 1);
}

FieldTable<EndpointRequest> make_endpoint_table() {
  using T = EndpointRequest;
  std::vector<Field<T>> fields = {
      {{"EngineName", "choice", "",
        "postgres, aurora-postgresql, mysql, mariadb or aurora for a source, kafka for a target",
        Verdict::kHonoured,
        "what the endpoint is; others are refused by "
        "name"},
       [](FieldInput& input, T& into) {
         if (const auto text = input.text()) into.engine = folded_name(*text);
       }},
      {{"EndpointType", "choice", "", "source or target", Verdict::kHonoured,
        "must fit the flag it is given to"},
       [](FieldInput& input, T& into) {
         if (const auto index = input.choice(kEndpointTypes)) into.type = kEndpointTypes[*index];
       }},
      text_field<T>("ServerName", DMSKAFKA_MEMBER(source.host), "as in the engine's settings, which win"),
      {{"Port", "integer", "", "1 to 65535", Verdict::kHonoured, "as in the engine's settings, which win"},
       [](FieldInput& input, T& into) {
         if (const auto port = input.integer(1, 65535)) into.source.port = static_cast<std::uint16_t>(*port);
       }},
      text_field<T>("Username", DMSKAFKA_MEMBER(source.username), "as in the engine's settings, which win"),
      text_field<T>("Password", DMSKAFKA_MEMBER(source.password),
                    "secret; as in the engine's settings, which win"),
      text_field<T>("DatabaseName", DMSKAFKA_MEMBER(source.database_name),
                    "as in the engine's settings, which win"),
      {{"SslMode", "choice", "none", choices_text(kSslModes), Verdict::kHonoured,
        "how the source's connection is secured"},
       read_ssl_mode},
      {{"CertificateArn", "string", "", "a path or file://path", Verdict::kHonoured,
        "file with the certificates to trust for the source, PEM"},
       read_ca_certificate},
      {{"ExtraConnectionAttributes", "string", "", "`key=value;…`", Verdict::kHonoured,
        "further settings of the engine; names in any case"},
       [](FieldInput& input, T& into) {
         if (input.value().is_string())
           into.attributes = &input.value();
         else
           (void)input.text();
       }},
      refused_field<T>("ServiceAccessRoleArn", "string",
                       "IAM roles exist only in AWS; use user name and password"),
  };
  for (const std::string_view name :
       {"EndpointIdentifier", "EndpointArn", "EngineDisplayName", "Status", "KmsKeyId", "Tags",
        "ResourceIdentifier", "ExternalTableDefinition", "ExternalId", "IsReadOnly"}) {
    fields.push_back(silent_field<T>(name));
  }
  return {"Endpoint", "What stands around the engine's own settings in AWS's requests and replies.",
          std::move(fields)};
}

// The groups that hold settings of engines, with the spelling of the API first.
bool is_kafka_group(std::string_view name) { return name == "KafkaSettings"; }
bool is_postgres_group(std::string_view name) {
  return name == "PostgreSQLSettings" || name == "PostgreSqlSettings";
}
bool is_mysql_group(std::string_view name) { return name == "MySQLSettings" || name == "MySqlSettings"; }
bool is_engine_group(std::string_view name) { return name.ends_with("Settings"); }

bool is_endpoint_object(const JsonValue& object) {
  return std::any_of(object.members().begin(), object.members().end(), [](const JsonMember& member) {
    return member.name == "EngineName" || member.name == "EndpointType" ||
           member.name == "EndpointIdentifier" || is_kafka_group(member.name) ||
           is_postgres_group(member.name) || is_mysql_group(member.name);
  });
}

std::string type_of(const JsonValue& endpoint) {
  if (!endpoint.is_object()) return {};
  const JsonValue* const type = endpoint.find_present("EndpointType");
  return type != nullptr && type->is_string() ? folded_name(type->string()) : std::string();
}

// The only endpoint of this role; those that do not say their type count for both.
const JsonValue* only_endpoint(const std::vector<const JsonValue*>& all, Role role, const JsonValue& at,
                               Problems& problems) {
  std::vector<const JsonValue*> fitting;
  for (const JsonValue* endpoint : all) {
    const std::string type = type_of(*endpoint);
    if (type.empty() || type == role_name(role)) fitting.push_back(endpoint);
  }
  if (fitting.size() == 1) return fitting[0];
  problems.errors.push_back(
      wrong(at, fmt::format("{} {} endpoints", fitting.empty() ? "no" : std::to_string(fitting.size()),
                            role_name(role)))
          .expected(fmt::format("one {} endpoint", role_name(role))));
  return nullptr;
}

// Takes the wrapping of replies and templates off. Null: said in `problems`.
const JsonValue* unwrapped(const JsonValue& root, Role role, Problems& problems) {
  if (!root.is_object()) {
    problems.errors.push_back(
        wrong(root, fmt::format("the {} is {}", role_name(role), json_kind_name(root.kind())))
            .expected("an object with the endpoint's settings"));
    return nullptr;
  }
  std::vector<const JsonValue*> found;
  if (const JsonValue* list = root.find_present("Endpoints"); list != nullptr && list->is_array()) {
    for (const JsonValue& item : list->items()) found.push_back(&item);
    return only_endpoint(found, role, *list, problems);
  }
  if (const JsonValue* one = root.find_present("Endpoint"); one != nullptr && one->is_object()) return one;
  if (const JsonValue* resources = root.find_present("Resources");
      resources != nullptr && resources->is_object()) {
    for (const JsonMember& resource : resources->members()) {
      if (!resource.value.is_object()) continue;
      const JsonValue* const type = resource.value.find_present("Type");
      const JsonValue* const properties = resource.value.find_present("Properties");
      const bool is_endpoint = type != nullptr && type->is_string() && type->string() == "AWS::DMS::Endpoint";
      if (is_endpoint && properties != nullptr && properties->is_object()) found.push_back(properties);
    }
    return only_endpoint(found, role, *resources, problems);
  }
  if (const JsonValue* properties = root.find_present("Properties");
      properties != nullptr && properties->is_object()) {
    return properties;
  }
  return &root;
}

// Members that belong to another group than the one they stand in.
std::string_view owner_among_engines(std::string_view name) {
  if (kafka_table().find(name) != nullptr) return "KafkaSettings";
  if (postgres_table().find(name) != nullptr) return "PostgreSQLSettings";
  if (mysql_table().find(name) != nullptr) return "MySQLSettings";
  if (endpoint_table().find(name) != nullptr) return "the endpoint";
  return {};
}

// The endpoint's own members; the groups of engines are the caller's.
EndpointRequest read_request(const JsonValue& endpoint, Role role, Problems& problems) {
  EndpointRequest request;
  const TableReading reading{problems, nullptr, false, owner_among_engines};
  for (const JsonMember& member : endpoint.members()) {
    if (member.value.is_null() || is_engine_group(member.name)) continue;
    if (const auto* field = endpoint_table().find(member.name)) {
      FieldInput input("the endpoint", field->name, member.value, nullptr, problems);
      read_field(*field, input, request);
    } else {
      field_detail::unknown_member("the endpoint", member, endpoint_table().names(), reading);
    }
  }
  if (!request.type.empty() && request.type != role_name(role)) {
    problems.errors.push_back(
        wrong(*endpoint.find("EndpointType"), fmt::format("this is a {} endpoint", request.type))
            .expected(fmt::format("a {} endpoint", role_name(role))));
  }
  return request;
}

void refuse_group(const JsonMember& member, Role role, Problems& problems) {
  problems.errors.push_back(
      Error(ErrorCode::kInvalidSettings, fmt::format("{} cannot be a {} here", member.name, role_name(role)))
          .at(member.value.name_location())
          .expected(role == Role::kSource ? "PostgreSQLSettings or MySQLSettings" : "KafkaSettings"));
}

template <typename T>
void read_attributes(const JsonValue& attributes, const FieldTable<T>& table, T& into, Problems& problems) {
  const JsonLocation place = attributes.location();
  const auto json = json_from_attributes(attributes.string());
  Result<JsonDocument> document = JsonDocument::parse("ExtraConnectionAttributes", json.value_or("{}"));
  if (!json || !document) {
    problems.errors.push_back(wrong(attributes, "ExtraConnectionAttributes cannot be read")
                                  .expected("key=value;key=value, each key once"));
    return;
  }
  table.read(document->root(), into, {problems, &place, true, {}});
}

// `engine` is folded.
std::optional<SourceKind> source_kind_of(std::string_view engine) {
  if (engine == "postgres" || engine == "postgresql" || engine == "aurorapostgresql") {
    return SourceKind::kPostgres;
  }
  if (engine == "mysql" || engine == "aurora") return SourceKind::kMysql;
  if (engine == "mariadb") return SourceKind::kMariadb;
  return std::nullopt;
}

void check_engine(const JsonValue& endpoint, const std::string& engine, Role role, Problems& problems) {
  if (engine.empty()) return;
  const JsonValue& value = *endpoint.find("EngineName");
  if (role == Role::kTarget) {
    if (engine == "kafka") return;
    problems.errors.push_back(
        wrong(value, fmt::format("EngineName \"{}\" is not supported as a target", value.string()))
            .expected("kafka"));
    return;
  }
  if (source_kind_of(engine)) return;
  problems.errors.push_back(
      wrong(value, fmt::format("EngineName \"{}\" is not supported as a source", value.string()))
          .expected("postgres, aurora-postgresql, mysql, mariadb or aurora; SQLite is given as sqlite:FILE"));
}

void check_source(const SourceSettings& source, const JsonValue& at, Problems& problems) {
  if (source.host.empty()) problems.errors.push_back(wrong(at, "the source has no ServerName"));
  // DMS says to leave it out for MySQL, whose connections need none.
  if (source.kind == SourceKind::kPostgres && source.database_name.empty()) {
    problems.errors.push_back(wrong(at, "the source has no DatabaseName"));
  }
}

/// The engine's own settings of a source endpoint: its group, and where they may stand besides.
class SourceReading {
 public:
  SourceReading(const JsonValue& endpoint, SourceKind bare, SourceSettings& into, Problems& problems)
      : endpoint_(endpoint), bare_(bare), into_(into), problems_(problems) {}

  void read() {
    const std::size_t errors_before = problems_.errors.size();
    if (!endpoint_.is_object() || !is_endpoint_object(endpoint_)) {
      into_.kind = bare_;
      read_settings(endpoint_);
    } else {
      read_endpoint();
    }
    // What could not be read is missing only for that reason.
    if (problems_.errors.size() == errors_before) check_source(into_, endpoint_, problems_);
  }

 private:
  bool is_mysql() const { return into_.kind != SourceKind::kPostgres; }
  const FieldTable<SourceSettings>& table() const { return is_mysql() ? mysql_table() : postgres_table(); }
  void read_settings(const JsonValue& object) {
    table().read(object, into_, {problems_, nullptr, false, owner_among_engines});
  }

  void read_endpoint() {
    const std::size_t errors_before = problems_.errors.size();
    const EndpointRequest request = read_request(endpoint_, Role::kSource, problems_);
    check_engine(endpoint_, request.engine, Role::kSource, problems_);
    const bool engine_known = problems_.errors.size() == errors_before;
    into_ = request.source;
    into_.kind = source_kind_of(request.engine).value_or(kind_of_group());
    if (engine_known && request.attributes != nullptr) {
      read_attributes(*request.attributes, table(), into_, problems_);
    }
    for (const JsonMember& member : endpoint_.members()) {
      if (!member.value.is_null() && is_engine_group(member.name)) read_group(member, engine_known);
    }
  }

  // Where no EngineName says it, the group does.
  SourceKind kind_of_group() const {
    const auto is_given = [](const JsonMember& member) {
      return is_mysql_group(member.name) && !member.value.is_null();
    };
    const auto members = endpoint_.members();
    return std::any_of(members.begin(), members.end(), is_given) ? SourceKind::kMysql : SourceKind::kPostgres;
  }

  void read_group(const JsonMember& member, bool engine_known) {
    const bool of_mysql = is_mysql_group(member.name);
    if (!of_mysql && !is_postgres_group(member.name)) return refuse_group(member, Role::kSource, problems_);
    if (of_mysql == is_mysql()) return read_settings(member.value);
    if (!engine_known) return;  // nobody can say which group would be right
    problems_.errors.push_back(
        Error(ErrorCode::kInvalidSettings, fmt::format("{} does not belong to this engine", member.name))
            .at(member.value.name_location())
            .expected(std::string(table().name)));
  }

  const JsonValue& endpoint_;
  const SourceKind bare_;
  SourceSettings& into_;
  Problems& problems_;
};

}  // namespace

const FieldTable<EndpointRequest>& endpoint_table() {
  static const FieldTable<EndpointRequest> table = make_endpoint_table();
  return table;
}

std::optional<std::string> json_from_attributes(std::string_view attributes) {
  std::string json = "{";
  while (!attributes.empty()) {
    const std::size_t end = std::min(attributes.find(';'), attributes.size());
    const std::string_view pair = attributes.substr(0, end);
    attributes.remove_prefix(std::min(end + 1, attributes.size()));
    if (pair.find_first_not_of(" \t\r\n") == std::string_view::npos) continue;
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    const std::size_t begin = pair.find_first_not_of(" \t\r\n");
    const std::size_t name_end = pair.find_last_not_of(" \t\r\n", equals == 0 ? 0 : equals - 1);
    if (begin >= equals) return std::nullopt;
    json += fmt::format("{}{}:{}", json.size() == 1 ? "" : ",",
                        json_quoted(pair.substr(begin, name_end + 1 - begin)),
                        json_quoted(pair.substr(equals + 1)));
  }
  return json + "}";
}

void read_target_document(const JsonValue& root, TargetSettings& into, Problems& problems) {
  const JsonValue* const endpoint = unwrapped(root, Role::kTarget, problems);
  if (endpoint == nullptr) return;
  const std::size_t errors_before = problems.errors.size();
  const JsonValue* at = endpoint;
  if (!endpoint->is_object() || !is_endpoint_object(*endpoint)) {
    kafka_table().read(*endpoint, into.kafka, {problems, nullptr, false, owner_among_engines});
  } else {
    const EndpointRequest request = read_request(*endpoint, Role::kTarget, problems);
    check_engine(*endpoint, request.engine, Role::kTarget, problems);
    if (request.attributes != nullptr)
      read_attributes(*request.attributes, kafka_table(), into.kafka, problems);
    for (const JsonMember& member : endpoint->members()) {
      if (member.value.is_null() || !is_engine_group(member.name)) continue;
      if (!is_kafka_group(member.name)) {
        refuse_group(member, Role::kTarget, problems);
        continue;
      }
      at = &member.value;
      kafka_table().read(member.value, into.kafka, {problems, nullptr, false, owner_among_engines});
    }
  }
  // What could not be read is missing only for that reason.
  if (problems.errors.size() == errors_before) check_kafka_settings(into.kafka, at->location(), problems);
}

void read_source_document(const JsonValue& root, SourceKind bare, SourceSettings& into, Problems& problems) {
  const JsonValue* const endpoint = unwrapped(root, Role::kSource, problems);
  if (endpoint != nullptr) SourceReading(*endpoint, bare, into, problems).read();
}

}  // namespace dmskafka
