-- What captures DDL: DMS's own table and event trigger, by their names. A row is written for each ALTER and DROP, and taken back
-- in the same transaction: its insertion travels through the log. Of ours in it is c_relation: the table as the log's own
-- relation message describes it (oid, schema, table, identity, columns), as of the statement and not of whenever it is read.
create table if not exists @schema@.awsdms_ddl_audit (
  c_key bigserial primary key,
  c_time timestamp,
  c_user varchar(64),
  c_txn varchar(20),
  c_tag varchar(24),
  c_oid bigint,
  c_name varchar(64),
  c_schema varchar(64),
  c_ddlqry text,
  c_relation bytea
);
create or replace function @schema@.awsdms_intercept_ddl() returns event_trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $function$
begin
  if tg_event = 'sql_drop' then
    insert into @schema@.awsdms_ddl_audit (c_time, c_user, c_txn, c_tag, c_oid, c_name, c_schema, c_ddlqry)
    select now(), session_user, txid_current(), tg_tag, d.objid, left(d.object_name, 64), left(d.schema_name, 64), current_query()
    from pg_event_trigger_dropped_objects() d
    where d.object_type = 'table' and not d.is_temporary;
  else
    insert into @schema@.awsdms_ddl_audit (c_time, c_user, c_txn, c_tag, c_oid, c_name, c_schema, c_ddlqry, c_relation)
    select now(), session_user, txid_current(), tg_tag, c.oid, c.relname, n.nspname, current_query(),
           oidsend(c.oid) || convert_to(n.nspname::text, 'UTF8') || decode('00', 'hex')
           || convert_to(c.relname::text, 'UTF8') || decode('00', 'hex') || convert_to(c.relreplident::text, 'UTF8')
           || coalesce((
                select int2send(count(*)::int2) || string_agg(
                         case when case c.relreplident when 'f' then true when 'n' then false else exists (
                                   select from pg_index x
                                   where x.indrelid = c.oid and a.attnum = any (x.indkey)
                                     and case c.relreplident when 'd' then x.indisprimary else x.indisreplident end) end
                              then decode('01', 'hex') else decode('00', 'hex') end
                         || convert_to(a.attname::text, 'UTF8') || decode('00', 'hex')
                         || oidsend(a.atttypid) || int4send(a.atttypmod), ''::bytea order by a.attnum)
                from pg_attribute a
                where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
                  and coalesce(to_jsonb(a) ->> 'attgenerated', '') = ''), int2send(0::int2))
    from (select distinct d.objid from pg_event_trigger_ddl_commands() d where d.classid = 'pg_class'::regclass) d
    join pg_class c on c.oid = d.objid and c.relkind in ('r', 'p') and c.relpersistence = 'p'
    join pg_namespace n on n.oid = c.relnamespace;
  end if;
  delete from @schema@.awsdms_ddl_audit;
end
$function$;
revoke all on function @schema@.awsdms_intercept_ddl() from public;
drop event trigger if exists awsdms_intercept_ddl;
create event trigger awsdms_intercept_ddl on ddl_command_end when tag in ('ALTER TABLE')
  execute procedure @schema@.awsdms_intercept_ddl();
drop event trigger if exists awsdms_intercept_drop;
create event trigger awsdms_intercept_drop on sql_drop when tag in ('DROP TABLE', 'DROP SCHEMA', 'DROP OWNED')
  execute procedure @schema@.awsdms_intercept_ddl();
comment on event trigger awsdms_intercept_ddl is 'dmskafka: captures DDL, version 1';
