-- $1 table oids: their columns in table order, each with the type its domain rests on.
-- {generated} stands for the column of pg_attribute that servers know from 12 on.
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
select a.attrelid,
       a.attnum,
       a.attname,
       a.attnotnull or coalesce(d.required, false),
       {generated},
       pg_catalog.format_type(a.atttypid, a.atttypmod),
       b.typname,
       b.typnamespace = 'pg_catalog'::regnamespace,
       b.typtype,
       b.typcategory = 'A',
       coalesce(d.typmod, a.atttypmod)
from unnest($1::oid[]) as w(oid)
join pg_catalog.pg_attribute a on a.attrelid = w.oid and a.attnum > 0 and not a.attisdropped
left join domain_base d on d.domain = a.atttypid
join pg_catalog.pg_type b on b.oid = coalesce(d.base, a.atttypid)
order by a.attrelid, a.attnum
