-- What following the log takes of server and role.
select pg_catalog.current_setting('wal_level'),
       pg_catalog.current_setting('max_replication_slots')::int - (select count(*) from pg_catalog.pg_replication_slots),
       pg_catalog.current_setting('max_wal_senders')::int - (select count(*) from pg_catalog.pg_stat_replication),
       pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE'),
       pg_catalog.pg_is_in_recovery(),
       (select s.setting from pg_catalog.pg_settings s where s.name = 'max_slot_wal_keep_size'),
       pg_catalog.current_database(),
       pg_catalog.current_setting('max_replication_slots'),
       pg_catalog.current_setting('max_wal_senders'),
       (select r.rolsuper from pg_catalog.pg_roles r where r.rolname = current_user)
