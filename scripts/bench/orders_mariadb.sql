-- The table that is measured, like that of orders.sql; :rows is how many. Deterministic; about 510 bytes of message a row, with NULLs,
-- text that must be escaped, decimals, dates and times.
DROP TABLE IF EXISTS orders;
CREATE TABLE orders (
  id            BIGINT PRIMARY KEY,
  customer_id   INT NOT NULL,
  product_id    INT NOT NULL,
  quantity      INT,
  price         DECIMAL(12,2) NOT NULL,
  status        VARCHAR(16) NOT NULL,
  customer_name VARCHAR(40) NOT NULL,
  note          TEXT,
  paid          BOOLEAN NOT NULL,
  order_date    DATE NOT NULL,
  created_at    DATETIME(6) NOT NULL,
  updated_at    DATETIME(6)
) DEFAULT CHARSET=utf8mb4;
INSERT INTO orders
SELECT
  seq,
  (CRC32(seq) & 1048575) + 1,
  (CRC32(seq * 7) & 65535) + 1,
  IF(seq % 50 <> 0, (CRC32(seq * 11) & 127) + 1, NULL),
  (CRC32(seq * 13) & 134217727) / 100,
  ELT((CRC32(seq * 17) & 65535) % 7 + 1, 'new', 'paid', 'packed', 'shipped', 'delivered', 'returned', 'cancelled'),
  CONCAT('Customer ', LEFT(MD5(seq), 18)),
  CASE
    WHEN seq % 10 = 3 THEN NULL
    WHEN seq % 1000 = 7 THEN CONCAT('note with "quotes", back\\slash, tab \t and ünïcødé ☃ ', seq)
    ELSE CONCAT(SUBSTR('the quick brown fox jumps over the lazy dog while order is packed and sent ', (CRC32(seq * 19) & 15) + 1, 40),
                LEFT(MD5(seq * 3), 20))
  END,
  CRC32(seq * 23) & 1,
  DATE '2015-01-01' + INTERVAL (CRC32(seq * 29) & 4095) DAY,
  TIMESTAMP '2020-01-01 00:00:00' + INTERVAL seq * 31 * 1000000 + (CRC32(seq * 31) & 1048575) % 1000000 MICROSECOND,
  IF(seq % 10 >= 3, TIMESTAMP '2024-06-01 00:00:00' + INTERVAL seq * 7 * 1000000 + (CRC32(seq * 37) & 1023) % 1000 * 1000 MICROSECOND, NULL)
FROM seq_1_to_:rows;
ANALYZE TABLE orders;
