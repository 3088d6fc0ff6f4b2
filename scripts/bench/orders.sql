-- psql -v rows=1000000 -f orders.sql: the table that is measured. Deterministic; about 510 bytes of message a row, with NULLs,
-- text that must be escaped, decimals, dates and timestamps.
set client_min_messages = warning;
drop table if exists orders;
create table orders (
  id            bigint primary key,
  customer_id   integer not null,
  product_id    integer not null,
  quantity      integer,
  price         numeric(12,2) not null,
  status        varchar(16) not null,
  customer_name varchar(40) not null,
  note          text,
  paid          boolean not null,
  order_date    date not null,
  created_at    timestamp(6) not null,
  updated_at    timestamp(6)
);
insert into orders
select
  i,
  (hashint8(i) & 1048575) + 1,
  (hashint8(i * 7) & 65535) + 1,
  case when i % 50 <> 0 then (hashint8(i * 11) & 127) + 1 end,
  ((hashint8(i * 13) & 134217727) / 100.0)::numeric(12,2),
  (array['new', 'paid', 'packed', 'shipped', 'delivered', 'returned', 'cancelled'])[(hashint8(i * 17) & 65535) % 7 + 1],
  'Customer ' || left(md5(i::text), 18),
  case
    when i % 10 = 3 then null
    when i % 1000 = 7 then 'note with "quotes", back\slash, tab ' || chr(9) || ' and ünïcødé ☃ ' || i
    else substr('the quick brown fox jumps over the lazy dog while order is packed and sent ', (hashint8(i * 19) & 15) + 1, 40)
         || left(md5((i * 3)::text), 20)
  end,
  (hashint8(i * 23) & 1) = 1,
  date '2015-01-01' + (hashint8(i * 29) & 4095),
  timestamp '2020-01-01' + (i * 31) * interval '1 second' + ((hashint8(i * 31) & 1048575) % 1000000) * interval '1 microsecond',
  case when i % 10 >= 3 then
    timestamp '2024-06-01' + (i * 7) * interval '1 second' + ((hashint8(i * 37) & 1023) % 1000) * interval '1 millisecond'
  end
from generate_series(1::bigint, :rows) i;
vacuum (freeze, analyze) orders;
checkpoint;
