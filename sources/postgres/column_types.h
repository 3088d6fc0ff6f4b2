#pragma once
#include <cstdint>
#include <string>

#include "core/base/table_schema.h"
#include "core/settings/source_settings.h"

namespace dmskafka::postgres {

/// A column's type as the catalogue describes it, a domain replaced by the type it rests on.
struct ColumnType {
  std::string name;      ///< pg_type.typname: "int4", "bpchar" …
  bool built_in = true;  ///< of the schema pg_catalog; elsewhere a name says nothing
  char kind = 'b';       ///< pg_type.typtype: b base, c composite, e enum, r range, m multirange, p pseudo
  bool array = false;    ///< pg_type.typcategory A
  std::int32_t modifier = -1;  ///< pg_attribute.atttypmod; -1: none
};

/// Sets type, value_kind, length, precision, scale and lob of `column` (docs/types.md). Every type has an answer: what is
/// not known travels as the text that the server prints.
void set_column_type(const ColumnType& type, const SourceSettings& settings, ColumnSchema& column);

}  // namespace dmskafka::postgres
