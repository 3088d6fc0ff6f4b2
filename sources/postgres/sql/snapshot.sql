-- The leader's snapshot: its name for SET TRANSACTION SNAPSHOT, and the text by which a reader proves to have it.
select pg_catalog.pg_export_snapshot(), pg_catalog.txid_current_snapshot()::text
