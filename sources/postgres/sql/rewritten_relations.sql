-- $1 table oid: how many of its files are not those of our snapshot any more (or not yet). pg_class is read through the
-- snapshot, pg_relation_filenode() looks at the present. TRUNCATE and rewriting ALTER TABLE are not MVCC-safe: they make
-- an older snapshot see an empty table.
with recursive tree(oid) as (
  select $1::oid
  union all
  select i.inhrelid
  from tree
  join pg_catalog.pg_class p on p.oid = tree.oid and p.relkind = 'p'
  join pg_catalog.pg_inherits i on i.inhparent = p.oid
)
select count(*)
from tree
join pg_catalog.pg_class c on c.oid = tree.oid
where c.relkind in ('r', 'm')
  and c.relfilenode is distinct from pg_catalog.pg_relation_filenode(c.oid)
