-- The system identifier is null where the role may not ask for it; the database's oid then has to do.
select case
         when pg_catalog.has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE')
           then (select c.system_identifier::text from pg_catalog.pg_control_system() c)
       end,
       d.oid,
       d.datname
from pg_catalog.pg_database d
where d.datname = pg_catalog.current_database()
