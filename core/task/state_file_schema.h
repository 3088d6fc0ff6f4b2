#pragma once
#include <cstdint>

namespace dmskafka {

/// "DmsK": application_id of the database header, by which `file` and we know a state file.
constexpr std::int32_t kStateFileApplicationId = 0x446D734B;
/// user_version of the database header. A change of the tables below raises it.
constexpr std::int32_t kStateFileSchemaVersion = 2;

/// The tables of docs/state-file.md. Times are microseconds since 1970-01-01 UTC; log positions keep the source's own bytes, a
/// text for people, and their order as two 64-bit numbers (stored as SQLite's signed integers with the same bits).
constexpr const char* kStateFileSchema = R"sql(
CREATE TABLE task (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  task_id TEXT NOT NULL,
  source_kind TEXT NOT NULL,
  source_server TEXT NOT NULL,
  source_database TEXT NOT NULL,
  target TEXT NOT NULL,
  mapping_digest TEXT NOT NULL,
  snapshot_position BLOB NOT NULL,
  snapshot_position_text TEXT NOT NULL,
  snapshot_order_high INTEGER NOT NULL,
  snapshot_order_low INTEGER NOT NULL
);
CREATE TABLE table_load (
  schema_name TEXT NOT NULL,
  table_name TEXT NOT NULL,
  state TEXT NOT NULL,
  control_records_sent INTEGER NOT NULL,
  rows_delivered INTEGER NOT NULL,
  bytes_delivered INTEGER NOT NULL,
  rows_failed INTEGER NOT NULL,
  error TEXT NOT NULL,
  started_us INTEGER NOT NULL,
  ended_us INTEGER NOT NULL,
  values_cut INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (schema_name, table_name)
) WITHOUT ROWID;
-- How a table is cut into ranges, and which are done. Only tables in work have them.
CREATE TABLE segment_plan (
  schema_name TEXT NOT NULL,
  table_name TEXT NOT NULL,
  token TEXT NOT NULL,
  PRIMARY KEY (schema_name, table_name)
) WITHOUT ROWID;
CREATE TABLE segment_load (
  schema_name TEXT NOT NULL,
  table_name TEXT NOT NULL,
  segment INTEGER NOT NULL,
  range TEXT NOT NULL,
  done INTEGER NOT NULL,
  rows INTEGER NOT NULL,
  PRIMARY KEY (schema_name, table_name, segment)
) WITHOUT ROWID;
-- The threads of the last load, for status.
CREATE TABLE load_threads (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  reader_threads INTEGER NOT NULL,
  sender_threads INTEGER NOT NULL,
  queues_per_thread INTEGER NOT NULL,
  buffer_records INTEGER NOT NULL,
  queue_records_high_water INTEGER NOT NULL
);
-- bytes stands before the large columns, so that summing it reads none of them.
CREATE TABLE data_error (
  id INTEGER PRIMARY KEY,
  time_us INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  schema_name TEXT NOT NULL,
  table_name TEXT NOT NULL,
  topic TEXT NOT NULL,
  partition INTEGER NOT NULL,
  reason TEXT NOT NULL,
  key BLOB NOT NULL,
  value BLOB NOT NULL
);
)sql";

/// What version 2 added. Version 1 had empty tables of these names, which an upgrade drops first.
constexpr const char* kStateFileCdcTables = R"sql(
-- Change data capture: everything up to this position is delivered.
CREATE TABLE checkpoint (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  position BLOB NOT NULL,
  position_text TEXT NOT NULL,
  order_high INTEGER NOT NULL,
  order_low INTEGER NOT NULL,
  previous_transaction INTEGER NOT NULL,
  previous_record INTEGER NOT NULL,
  commit_us INTEGER NOT NULL,
  saved_us INTEGER NOT NULL,
  transactions INTEGER NOT NULL,
  caught_up_us INTEGER NOT NULL DEFAULT 0,
  started INTEGER NOT NULL DEFAULT 0
);
-- Its counters, as DMS names them, up to the checkpoint.
CREATE TABLE table_statistics (
  schema_name TEXT NOT NULL,
  table_name TEXT NOT NULL,
  inserts INTEGER NOT NULL,
  updates INTEGER NOT NULL,
  deletes INTEGER NOT NULL,
  ddls INTEGER NOT NULL,
  last_update_us INTEGER NOT NULL,
  PRIMARY KEY (schema_name, table_name)
) WITHOUT ROWID;
-- The tables as they were at the checkpoint.
CREATE TABLE table_schema (
  schema_name TEXT NOT NULL,
  table_name TEXT NOT NULL,
  kind INTEGER NOT NULL,
  source_handle TEXT NOT NULL,
  old_row INTEGER NOT NULL,
  PRIMARY KEY (schema_name, table_name)
) WITHOUT ROWID;
CREATE TABLE column_schema (
  schema_name TEXT NOT NULL,
  table_name TEXT NOT NULL,
  place INTEGER NOT NULL,
  name TEXT NOT NULL,
  type TEXT NOT NULL,
  value_kind INTEGER NOT NULL,
  length INTEGER,
  precision INTEGER,
  scale INTEGER,
  nullable INTEGER NOT NULL,
  lob INTEGER NOT NULL,
  collation TEXT NOT NULL,
  source_type TEXT NOT NULL,
  number INTEGER NOT NULL,
  key_place INTEGER,
  PRIMARY KEY (schema_name, table_name, place)
) WITHOUT ROWID;
)sql";

}  // namespace dmskafka
