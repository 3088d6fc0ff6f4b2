-- $1 schema names, $2 table names: one row for each pair, in their order; oid is null where there is no such table.
-- Sizes come from the statistics: pg_relation_size() would queue behind every ACCESS EXCLUSIVE lock.
select w.number,
       c.oid,
       c.relkind,
       c.relrowsecurity,
       pg_catalog.has_schema_privilege(n.oid, 'USAGE'),
       pg_catalog.has_table_privilege(c.oid, 'SELECT') or pg_catalog.has_any_column_privilege(c.oid, 'SELECT'),
       case when c.relkind = 'p' then leaves.row_count else c.reltuples end,
       case when c.relkind = 'p' then leaves.page_count else c.relpages + coalesce(toast.relpages, 0) end
         * pg_catalog.current_setting('block_size')::bigint,
       -- conkey and not indkey: the latter also holds the columns of INCLUDE
       (select pg_catalog.array_to_string(k.conkey, ' ')
        from pg_catalog.pg_constraint k
        where k.conrelid = c.oid and k.contype = 'p'),
       -- what the log tells of old rows: f all, d the primary key, i the columns of another index, n nothing
       case
         when c.relreplident = 'f' and coalesce(leaves.full_identity, true) then 'f'
         when c.relreplident = 'i' then 'i'
         when c.relreplident <> 'n'
              and exists (select from pg_catalog.pg_index x
                          where x.indrelid = c.oid and x.indisprimary and x.indimmediate and x.indisvalid) then 'd'
         else 'n'
       end
from unnest($1::text[], $2::text[]) with ordinality as w(schema_name, table_name, number)
left join pg_catalog.pg_namespace n on n.nspname::text = w.schema_name
left join pg_catalog.pg_class c
       on c.relnamespace = n.oid and c.relname::text = w.table_name and c.relkind in ('r', 'p', 'v', 'm', 'f')
left join pg_catalog.pg_class toast on toast.oid = c.reltoastrelid
left join lateral (
  with recursive tree(oid) as (
    select c.oid where c.relkind = 'p'
    union all
    select i.inhrelid from tree join pg_catalog.pg_inherits i on i.inhparent = tree.oid
  )
  select sum(greatest(leaf.reltuples, 0)) as row_count,
         sum(leaf.relpages)::bigint as page_count,
         bool_and(leaf.relreplident = 'f' or leaf.relkind = 'p') as full_identity
  from tree
  join pg_catalog.pg_class leaf on leaf.oid = tree.oid
) leaves on true
order by w.number
