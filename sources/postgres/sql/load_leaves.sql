-- $1 table oid, $2 whether it is locked: the tables that hold its rows, itself or the leaves of its partitions. `path` names the
-- partitions on the way to a leaf. Sizes of what is not locked come from the statistics: pg_relation_size() would wait for locks.
with recursive tree(oid, path) as (
  select $1::oid, '{}'::text[]
  union all
  select i.inhrelid, tree.path || (c.relname::text collate pg_catalog."default")
  from tree
  join pg_catalog.pg_class p on p.oid = tree.oid and p.relkind = 'p'
  join pg_catalog.pg_inherits i on i.inhparent = p.oid
  join pg_catalog.pg_class c on c.oid = i.inhrelid
)
select c.oid,
       n.nspname,
       c.relname,
       c.relkind,
       c.relkind = 'r' and a.amname is not distinct from 'heap' as heap,
       pg_catalog.has_schema_privilege(n.oid, 'USAGE') and pg_catalog.has_table_privilege(c.oid, 'SELECT')
         and not c.relrowsecurity,
       case when $2::boolean and c.relkind = 'r' then pg_catalog.pg_relation_size(c.oid)
            else c.relpages::bigint * pg_catalog.current_setting('block_size')::bigint end as bytes,
       case when $2::boolean and c.relkind = 'r' and c.reltoastrelid <> 0 then pg_catalog.pg_relation_size(c.reltoastrelid)
            else 0 end as toast_bytes,
       pg_catalog.array_to_string(tree.path, pg_catalog.chr(10)) as path
from tree
join pg_catalog.pg_class c on c.oid = tree.oid and c.relkind <> 'p'
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
left join pg_catalog.pg_am a on a.oid = c.relam
order by c.oid
