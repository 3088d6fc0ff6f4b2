-- A small shop, for the quickstart: sqlite3 shop.db < shop.sql
-- One table has no key, some columns are NULL, and people have names as people do.
PRAGMA foreign_keys = ON;
-- So that whoever writes to the shop need not wait while it is read.
PRAGMA journal_mode = WAL;
BEGIN;

CREATE TABLE customers (
  id         INTEGER PRIMARY KEY,
  name       VARCHAR(60) NOT NULL,
  email      VARCHAR(120),
  city       VARCHAR(40),
  born       DATE,
  newsletter BOOLEAN NOT NULL
);
INSERT INTO customers VALUES
  (1, 'Zoë Müller',     'zoe@example.com',    'Zürich',   '1988-02-29', 1),
  (2, 'José Ñandú',     'jose@example.com',   'Asunción', '1975-11-03', 0),
  (3, '山田 花子',      'hanako@example.com', '大阪',     NULL,         1),
  (4, 'Ann "AJ" Jones', NULL,                 'Leeds',    '1999-07-14', 0);

CREATE TABLE orders (
  id          INTEGER PRIMARY KEY,
  customer_id INTEGER NOT NULL REFERENCES customers (id),
  status      VARCHAR(12) NOT NULL,
  total       DECIMAL(10,2) NOT NULL,
  placed_at   DATETIME NOT NULL,
  shipped_at  DATETIME,
  note        TEXT
);
INSERT INTO orders VALUES
  (1001, 1, 'delivered', 129.90, '2024-03-01 09:15:00', '2024-03-02 16:40:00', NULL),
  (1002, 2, 'shipped',    24.50, '2024-03-03 18:02:11', '2024-03-05 08:00:00', 'Ring twice 🔔'),
  (1003, 1, 'paid',      899.00, '2024-03-04 12:30:45', NULL,                  'Gift: wrap it, please.'),
  (1004, 3, 'new',         7.25, '2024-03-05 23:59:59', NULL,                  NULL);

CREATE TABLE order_lines (
  order_id INTEGER NOT NULL REFERENCES orders (id),
  line     INTEGER NOT NULL,
  product  VARCHAR(60) NOT NULL,
  quantity INTEGER NOT NULL,
  price    DECIMAL(10,2) NOT NULL,
  PRIMARY KEY (order_id, line)
);
INSERT INTO order_lines VALUES
  (1001, 1, 'Tea pot, 1 l',      1, 79.90),
  (1001, 2, 'Darjeeling, 250 g', 2, 25.00),
  (1002, 1, 'Café filter',       7,  3.50),
  (1003, 1, 'Espresso machine',  1, 899.00),
  (1004, 1, 'Sencha, 50 g',      1,  7.25);

-- No key: whatever the shop's web server had to say.
CREATE TABLE visits (
  at      DATETIME,
  path    TEXT,
  seconds REAL
);
INSERT INTO visits VALUES
  ('2024-03-05 23:41:07', '/tea?sort=price', 12.5),
  ('2024-03-05 23:44:30', '/tea/sencha',     NULL);

COMMIT;
