-- $1 table oid, $2 column names: what ranges of these columns need to know, a row for each in the order given.
-- `ordered`: a comparison in a query means the order of the type's own B-tree. It does for the server's own types and for
-- enums; operators of other types are hidden by our search_path, and a comparison may find another type's.
-- `printed` is the type without length or precision, below any domain, for a cast of bounds.
with recursive wanted(number, name, attnum, required, coll, type) as (
  select w.number, w.name, a.attnum, a.attnotnull, a.attcollation, a.atttypid
  from unnest($2::text[]) with ordinality as w(name, number)
  join pg_catalog.pg_attribute a on a.attrelid = $1::oid and a.attname::text = w.name and not a.attisdropped
), base(number, type) as (
  select number, type from wanted
  union all
  select b.number, t.typbasetype
  from base b
  join pg_catalog.pg_type t on t.oid = b.type and t.typtype = 'd'
)
select t.typnamespace = 'pg_catalog'::regnamespace or t.typtype = 'e' as ordered,
       w.required,
       pg_catalog.format_type(t.oid, -1) as printed,
       case when w.coll <> 0 and w.coll <> t.typcollation
            then (select ' collate ' || pg_catalog.quote_ident(cn.nspname) || '.' || pg_catalog.quote_ident(c.collname)
                  from pg_catalog.pg_collation c join pg_catalog.pg_namespace cn on cn.oid = c.collnamespace
                  where c.oid = w.coll)
            else '' end as collate_clause,
       exists (
         select from pg_catalog.pg_index i
         join pg_catalog.pg_class ic on ic.oid = i.indexrelid
         join pg_catalog.pg_am am on am.oid = ic.relam and am.amname = 'btree'
         where i.indrelid = $1::oid and i.indisvalid and i.indpred is null
           and (select pg_catalog.array_agg(k.attnum order by k.place)
                from unnest(pg_catalog.string_to_array(i.indkey::text, ' ')::smallint[]) with ordinality as k(attnum, place)
                where k.place <= pg_catalog.cardinality($2::text[]))
             = (select pg_catalog.array_agg(all_wanted.attnum order by all_wanted.number) from wanted all_wanted)
       ) as indexed
from wanted w
join base b on b.number = w.number
join pg_catalog.pg_type t on t.oid = b.type and t.typtype <> 'd'
order by w.number
