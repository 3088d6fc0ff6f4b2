-- $1 the start of names: publications, and how many tables each has.
select p.pubname,
       case when p.puballtables then 'all tables'
            else (select pg_catalog.count(*) from pg_catalog.pg_publication_rel r where r.prpubid = p.oid)::text || ' tables'
       end
from pg_catalog.pg_publication p
where pg_catalog.left(p.pubname::text, pg_catalog.length($1::text)) = $1::text
order by p.pubname
