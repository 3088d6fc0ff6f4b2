-- $1 table oid: the sessions whose lock on it, held or asked for, keeps a reader out.
select pg_catalog.string_agg(distinct l.pid::text, ', ')
from pg_catalog.pg_locks l
where l.locktype = 'relation'
  and l.database = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())
  and l.relation in (select $1::oid union all select i.inhrelid from pg_catalog.pg_inherits i where i.inhparent = $1::oid)
  and l.mode = 'AccessExclusiveLock'
