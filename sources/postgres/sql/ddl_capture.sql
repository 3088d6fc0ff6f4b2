-- $1 name of the audit table: what captures DDL as it is: the trigger's comment (null: there is none), whether it is enabled,
-- the schema of its function, the oid of the table beside it, and the publications that hold that table.
select pg_catalog.obj_description(t.oid, 'pg_event_trigger'),
       t.evtenabled <> 'D',
       n.nspname,
       c.oid,
       coalesce((select pg_catalog.string_agg(p.pubname::text, ' ' order by p.pubname)
                 from pg_catalog.pg_publication_rel r
                 join pg_catalog.pg_publication p on p.oid = r.prpubid
                 where r.prrelid = c.oid), '')
from pg_catalog.pg_event_trigger t
join pg_catalog.pg_proc f on f.oid = t.evtfoid
join pg_catalog.pg_namespace n on n.oid = f.pronamespace
left join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = $1::name
where t.evtname = 'awsdms_intercept_ddl'
