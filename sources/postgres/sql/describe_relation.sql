-- A relation as the log describes it, $1 oid, $2 column names, $3 type oids, $4 modifiers: what its types are, and what the
-- catalogue of now adds. One row for each column, in their order; what is null is not in the catalogue any more.
with recursive domain_step(domain, base, typmod, required) as (
  select t.oid, t.typbasetype, t.typtypmod, t.typnotnull
  from pg_catalog.pg_type t
  where t.typtype = 'd'
  union all
  select d.domain, t.typbasetype, t.typtypmod, d.required or t.typnotnull
  from domain_step d
  join pg_catalog.pg_type t on t.oid = d.base and t.typtype = 'd'
), domain_base as (
  select d.*
  from domain_step d
  join pg_catalog.pg_type t on t.oid = d.base and t.typtype <> 'd'
)
select a.attnum,
       coalesce(a.attnotnull or coalesce(d.required, false), false),
       pg_catalog.format_type(w.type, w.modifier),
       b.typname,
       b.typnamespace = 'pg_catalog'::regnamespace,
       b.typtype,
       b.typcategory = 'A',
       coalesce(d.typmod, w.modifier)
from unnest($2::text[], $3::oid[], $4::int4[]) with ordinality as w(name, type, modifier, number)
left join pg_catalog.pg_attribute a
       on a.attrelid = $1::oid and a.attname::text = w.name and a.attnum > 0 and not a.attisdropped
left join domain_base d on d.domain = w.type
left join pg_catalog.pg_type b on b.oid = coalesce(d.base, w.type)
order by w.number
