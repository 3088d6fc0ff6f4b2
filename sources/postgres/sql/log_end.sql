-- Where the log on the disk ends, and whether this is a standby, which may be behind.
select case when pg_catalog.pg_is_in_recovery() then pg_catalog.pg_last_wal_replay_lsn()
            else pg_catalog.pg_current_wal_flush_lsn() end,
       pg_catalog.pg_is_in_recovery()
