-- $1 table oids: how each lies on the disk, partitions included. `heap` is false where a leaf is no heap table of its own
-- (foreign tables, other access methods): such a table is not cut by ctid. pg_relation_size() looks at the present.
with recursive tree(root, oid) as (
  select w.oid, w.oid
  from unnest($1::oid[]) as w(oid)
  union all
  select tree.root, i.inhrelid
  from tree
  join pg_catalog.pg_class p on p.oid = tree.oid and p.relkind = 'p'
  join pg_catalog.pg_inherits i on i.inhparent = p.oid
), leaf as (
  select tree.root,
         c.oid,
         c.relfilenode,
         c.relkind = 'r' and a.amname is not distinct from 'heap' as heap,
         pg_catalog.pg_relation_size(c.oid) as bytes,
         case when c.reltoastrelid <> 0 then pg_catalog.pg_relation_size(c.reltoastrelid) else 0 end as toast_bytes
  from tree
  join pg_catalog.pg_class c on c.oid = tree.oid and c.relkind <> 'p'
  left join pg_catalog.pg_am a on a.oid = c.relam
)
select root,
       pg_catalog.bool_and(heap),
       pg_catalog.max(bytes) / pg_catalog.current_setting('block_size')::bigint,
       pg_catalog.sum(bytes + toast_bytes)::bigint,
       pg_catalog.string_agg(oid::text || ':' || relfilenode::text, ',' order by oid)
from leaf
group by root
