-- $1 table oids: those that LOCK TABLE accepts from us. Views, foreign tables and what we may not read are not.
select c.oid
from unnest($1::oid[]) as w(oid)
join pg_catalog.pg_class c on c.oid = w.oid
where c.relkind in ('r', 'p')
  and pg_catalog.has_schema_privilege(c.relnamespace, 'USAGE')
  and pg_catalog.has_table_privilege(c.oid, 'SELECT')
