-- What a user could mean by a table. A partition is left out: its parent stands for it; and so is what captures DDL, DMS's or ours.
select n.nspname, c.relname, c.relkind
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'v', 'm', 'f')
  and not c.relispartition
  and c.relpersistence <> 't'
  and n.nspname <> 'information_schema'
  and n.nspname !~ '^pg_'
  and c.relname <> 'awsdms_ddl_audit'
order by n.nspname, c.relname
