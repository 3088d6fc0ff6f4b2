-- $1 table oids: the leaf partitions of those that are partitioned.
with recursive tree(root, oid) as (
  select w.oid, w.oid
  from unnest($1::oid[]) as w(oid)
  union all
  select tree.root, i.inhrelid
  from tree
  join pg_catalog.pg_class p on p.oid = tree.oid and p.relkind = 'p'
  join pg_catalog.pg_inherits i on i.inhparent = p.oid
)
select tree.root, tree.oid, n.nspname, c.relname
from tree
join pg_catalog.pg_class c on c.oid = tree.oid and c.relkind = 'r'
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where tree.root <> tree.oid
order by tree.root, tree.oid
