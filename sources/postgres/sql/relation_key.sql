-- $1 table oid: its primary key's attribute numbers, and whether an old row is whole for it and for all of its partitions.
with recursive tree(oid) as (
  select $1::oid
  union all
  select i.inhrelid
  from tree
  join pg_catalog.pg_class p on p.oid = tree.oid and p.relkind = 'p'
  join pg_catalog.pg_inherits i on i.inhparent = p.oid
)
select (select pg_catalog.array_to_string(k.conkey, ' ')
        from pg_catalog.pg_constraint k
        where k.conrelid = $1::oid and k.contype = 'p'),
       coalesce((select pg_catalog.bool_and(c.relreplident = 'f')
                 from tree
                 join pg_catalog.pg_class c on c.oid = tree.oid and c.relkind <> 'p'), false)
