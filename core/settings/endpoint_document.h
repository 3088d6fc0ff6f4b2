#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/settings/field_table.h"
#include "core/settings/source_settings.h"
#include "core/settings/target_settings.h"

namespace dmskafka {

/// Endpoints as JSON, in every shape in which people hold it: the bare settings object, a create-endpoint request or reply, a
/// describe-endpoints reply, CloudFormation (an endpoint resource, or a template with one), with or without
/// ExtraConnectionAttributes. `bare`: whose settings a bare object holds.
void read_source_document(const JsonValue& root, SourceKind bare, SourceSettings& into, Problems& problems);
void read_target_document(const JsonValue& root, TargetSettings& into, Problems& problems);

/// The members of an endpoint around its engine's own settings, for the documentation.
const FieldTable<struct EndpointRequest>& endpoint_table();

/// A member that AWS's engines put around or beside the settings.
struct EndpointRequest {
  std::string engine;                     ///< folded: lower case, without '-' and '_'
  std::string type;                       ///< "source", "target" or ""
  SourceSettings source;                  ///< server, port, user … when they stand at the endpoint itself
  const JsonValue* attributes = nullptr;  ///< ExtraConnectionAttributes
};

/// `key=value;…` as a JSON object of strings; "" when it is none.
std::optional<std::string> json_from_attributes(std::string_view attributes);

}  // namespace dmskafka
