-- A message in the log, committed with this statement: where everything that was committed before it ends.
select pg_catalog.pg_logical_emit_message(true, 'dmskafka.end', '')
