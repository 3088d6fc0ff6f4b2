-- The leader's snapshot: its name for SET TRANSACTION SNAPSHOT, the text by which a reader proves to have it, and its xmin
-- modulo 2^32, as rows carry it.
select pg_catalog.pg_export_snapshot(),
       pg_catalog.txid_current_snapshot()::text,
       pg_catalog.txid_snapshot_xmin(pg_catalog.txid_current_snapshot()) & 4294967295
