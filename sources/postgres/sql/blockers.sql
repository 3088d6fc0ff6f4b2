-- What a new slot waits for: every transaction of the cluster that has written and has not ended, prepared ones too.
select pg_catalog.count(*),
       pg_catalog.string_agg(t.who, ', ' order by t.began),
       coalesce(pg_catalog.max(extract(epoch from pg_catalog.clock_timestamp() - t.began)), 0)::bigint
from (select 'pid ' || a.pid || coalesce(' in database ' || a.datname, '') as who, a.xact_start as began
      from pg_catalog.pg_stat_activity a
      where a.backend_xid is not null and a.pid <> pg_catalog.pg_backend_pid()
      union all
      select 'prepared transaction ' || pg_catalog.quote_literal(p.gid), p.prepared
      from pg_catalog.pg_prepared_xacts p) t
