-- Null on a standby, which writes no log of its own.
select case when not pg_catalog.pg_is_in_recovery() then pg_catalog.pg_current_wal_lsn() end
