-- psql -v rows=1000000 -f changes.sql, behind orders.sql: a procedure that updates every row once, in a scattered order, in
-- transactions of ten rows, and the table of one large transaction.
set client_min_messages = warning;
create or replace procedure churn(transactions int, modulus bigint) language plpgsql as $$
declare
  k bigint := 0;
begin
  for i in 1..transactions loop
    for j in 1..10 loop
      k := k + 1;
      update orders set quantity = (k % 1000)::int, status = 'changed', updated_at = timestamp '2026-01-01' + k * interval '1 millisecond'
        where id = (k * 7919) % modulus + 1;
    end loop;
    commit;
  end loop;
end $$;
drop table if exists poured;
create table poured (id bigint primary key, note text not null);
