-- $1 names of publications. to_jsonb() reads what not every version has.
select p.pubname,
       p.pubowner = (select r.oid from pg_catalog.pg_roles r where r.rolname = current_user),
       pg_catalog.pg_has_role(p.pubowner, 'USAGE'),
       p.puballtables,
       p.pubinsert,
       p.pubupdate,
       p.pubdelete,
       coalesce((pg_catalog.to_jsonb(p) ->> 'pubtruncate')::boolean, true),
       coalesce((pg_catalog.to_jsonb(p) ->> 'pubviaroot')::boolean, false),
       coalesce(pg_catalog.obj_description(p.oid, 'pg_publication'), ''),
       coalesce((select pg_catalog.string_agg(r.prrelid::text, ' ' order by r.prrelid)
                 from pg_catalog.pg_publication_rel r
                 where r.prpubid = p.oid), ''),
       exists (select from pg_catalog.pg_publication_rel r
               where r.prpubid = p.oid
                 and (pg_catalog.to_jsonb(r) ->> 'prqual' is not null or pg_catalog.to_jsonb(r) ->> 'prattrs' is not null))
from pg_catalog.pg_publication p
where p.pubname::text = any ($1::text[])
