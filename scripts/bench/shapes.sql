-- psql -v rows=5000000 -f shapes.sql, after orders.sql: tables of other shapes. Deterministic.
set client_min_messages = warning;

-- Eight tables that together are orders.
select format('drop table if exists part_%s; create table part_%s (like orders including all)', n, n),
       format('insert into part_%s select * from orders where id %% 8 = %s', n, n),
       format('vacuum (freeze, analyze) part_%s', n)
from generate_series(0, 7) n \gexec

-- As many values as :rows rows of orders have, in rows of three columns, and in rows of a thousand.
drop table if exists narrow;
create table narrow (id bigint primary key, customer_id integer not null, paid boolean not null);
insert into narrow select i, hashint8(i) & 1048575, i % 2 = 0 from generate_series(1::bigint, greatest(:rows / 2, 1000)) i;
vacuum (freeze, analyze) narrow;

drop table if exists wide;
select 'create table wide (id bigint primary key, '
       || string_agg(format('column_%s %s', n, (array['integer', 'text', 'numeric(12,2)'])[n % 3 + 1]), ', ') || ')'
from generate_series(1, 999) n \gexec
select 'insert into wide select i, '
       || string_agg((array['i', '''v'' || i', '(i / 7.0)::numeric(12,2)'])[n % 3 + 1], ', ')
       || format(' from generate_series(1::bigint, %s) i', greatest(:rows / 250, 100))
from generate_series(1, 999) n \gexec
vacuum (freeze, analyze) wide;

drop table if exists large;
create table large (id bigint primary key, body text not null);
alter table large alter column body set storage external;
insert into large select i, repeat(md5(i::text), 28125) from generate_series(1, greatest(:rows / 10000, 10)) i;
vacuum (freeze, analyze) large;

drop table if exists huge;
create table huge (id bigint primary key, body text not null);
alter table huge alter column body set storage external;
insert into huge select 1, repeat(md5('1'), 200 * 1024 * 1024 / 32);

drop table if exists one_row;
create table one_row (id bigint primary key, note text);
insert into one_row values (1, 'the first');
checkpoint;
