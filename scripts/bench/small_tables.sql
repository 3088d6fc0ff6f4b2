-- 2,000 tables of 100 rows, in a schema of their own.
set client_min_messages = warning;
drop schema if exists small cascade;
create schema small;
select format('create table small.t_%s (id int primary key, note text not null); '
              'insert into small.t_%s select i, ''note '' || i from generate_series(1, 100) i', n, n)
from generate_series(1, 2000) n \gexec
