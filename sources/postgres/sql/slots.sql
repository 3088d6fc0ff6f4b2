-- $1 the start of names: logical slots of the whole cluster. to_jsonb() reads what not every version has.
select s.slot_name,
       s.plugin,
       s.database,
       s.active,
       s.active_pid,
       s.temporary,
       s.restart_lsn,
       s.confirmed_flush_lsn,
       coalesce(pg_catalog.to_jsonb(s) ->> 'wal_status', ''),
       pg_catalog.to_jsonb(s) ->> 'safe_wal_size',
       coalesce(pg_catalog.to_jsonb(s) ->> 'invalidation_reason',
                case when pg_catalog.to_jsonb(s) ->> 'conflicting' = 'true' then 'conflict' end, ''),
       pg_catalog.pg_wal_lsn_diff(e.lsn, s.restart_lsn)::bigint,
       e.lsn,
       s.database = pg_catalog.current_database()
from pg_catalog.pg_replication_slots s,
     (select case when pg_catalog.pg_is_in_recovery() then pg_catalog.pg_last_wal_replay_lsn()
                  else pg_catalog.pg_current_wal_lsn() end as lsn) e
where s.slot_type = 'logical'
  and pg_catalog.left(s.slot_name::text, pg_catalog.length($1::text)) = $1::text
order by s.slot_name
