-- $1 table oids: what following each of them takes. `usable`: its updates and deletes can be published. Publishing them for a
-- table without a usable replica identity would make the application's own statements fail. From PostgreSQL 18 on so would a
-- generated column in it, which is not published (`generated`; to_jsonb, because older servers do not have the column).
with recursive tree(root, oid) as (
  select w.oid, w.oid
  from unnest($1::oid[]) as w(oid)
  union all
  select tree.root, i.inhrelid
  from tree
  join pg_catalog.pg_class p on p.oid = tree.oid and p.relkind = 'p'
  join pg_catalog.pg_inherits i on i.inhparent = p.oid
), member as (
  select tree.root, c.oid, c.relkind, c.relreplident,
         case c.relreplident
           when 'f' then true
           when 'n' then false
           else exists (select from pg_catalog.pg_index x
                        where x.indrelid = c.oid and x.indimmediate and x.indisvalid
                          and (case c.relreplident when 'd' then x.indisprimary else x.indisreplident end))
         end as usable,
         pg_catalog.current_setting('server_version_num')::int >= 180000
         and exists (select from pg_catalog.pg_attribute a
                     left join pg_catalog.pg_index x on x.indrelid = a.attrelid
                       and (case c.relreplident when 'd' then x.indisprimary else x.indisreplident end)
                     where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
                       and pg_catalog.to_jsonb(a) ->> 'attgenerated' in ('s', 'v')
                       and (c.relreplident = 'f' or a.attnum = any (x.indkey))) as generated
  from tree
  join pg_catalog.pg_class c on c.oid = tree.oid
)
select c.oid,
       c.relkind,
       c.relpersistence,
       pg_catalog.pg_has_role(c.relowner, 'USAGE'),
       c.relreplident,
       -- A partition that is made later inherits the primary key, but no other identity; where partitions are published one by
       -- one (before 13), it is none of ours at first.
       (select pg_catalog.bool_and(case when m.generated then false
                                        when m.relkind <> 'p' then m.usable
                                        else pg_catalog.current_setting('server_version_num')::int < 130000
                                             or (m.usable and m.relreplident = 'd') end)
        from member m
        where m.root = c.oid),
       (select pg_catalog.count(*) from member m where m.root = c.oid and m.relkind = 'r'),
       (select pg_catalog.bool_or(m.generated) from member m where m.root = c.oid)
from unnest($1::oid[]) as w(oid)
join pg_catalog.pg_class c on c.oid = w.oid
