#pragma once
#include "core/settings/field_table.h"
#include "core/settings/source_settings.h"

namespace dmskafka {

/// AWS's PostgreSQLSettings.
const FieldTable<SourceSettings>& postgres_table();
/// AWS's MySQLSettings.
const FieldTable<SourceSettings>& mysql_table();

}  // namespace dmskafka
