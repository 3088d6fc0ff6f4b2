-- $1 table oids: those that are gone. Dropping a table is on the disk before it can be seen, so that all changes of the table
-- lie before the second column.
select w.oid,
       case when pg_catalog.pg_is_in_recovery() then pg_catalog.pg_last_wal_replay_lsn()
            else pg_catalog.pg_current_wal_flush_lsn() end
from unnest($1::oid[]) as w(oid)
where not exists (select from pg_catalog.pg_class c where c.oid = w.oid)
