#include "sources/postgres/pgoutput_message.h"

namespace dmskafka::postgres {

Result<RelationMessage> parse_relation(MessageReader& reader) {
  RelationMessage relation;
  relation.oid = reader.u32();
  relation.schema = reader.text();
  if (relation.schema.empty()) relation.schema = "pg_catalog";  // how pgoutput saves its bytes
  relation.table = reader.text();
  const auto identity = static_cast<char>(reader.u8());
  const std::uint16_t columns = reader.u16();
  if (!reader.ok() || std::string_view("dfin").find(identity) == std::string_view::npos) {
    return Error(ErrorCode::kSourceRejected, "a relation message of the log cannot be read");
  }
  relation.identity = static_cast<ReplicaIdentity>(identity);
  for (std::uint16_t i = 0; i < columns && reader.ok(); ++i) {
    RelationMessage::Column& column = relation.columns.emplace_back();
    column.identity = (reader.u8() & 1U) != 0;
    column.name = reader.text();
    column.type = reader.u32();
    column.modifier = static_cast<std::int32_t>(reader.u32());
  }
  if (!reader.ok() || reader.left() != 0) {
    return Error(ErrorCode::kSourceRejected, "a relation message of the log cannot be read");
  }
  return relation;
}

}  // namespace dmskafka::postgres
