-- Something in the log of this database, so that its position moves although nothing is written.
select pg_catalog.pg_logical_emit_message(true, 'dmskafka.heartbeat', '')
