-- Behind orders_mariadb.sql. churn updates every row once, in a scattered order, in transactions of ten rows; paced writes the clock into
-- random rows, so many a second, each in a transaction of its own.
DROP PROCEDURE IF EXISTS churn;
DELIMITER //
CREATE PROCEDURE churn(transactions INT, modulus BIGINT)
BEGIN
  DECLARE k BIGINT DEFAULT 0;
  DECLARE j INT;
  WHILE k < transactions * 10 DO
    START TRANSACTION;
    SET j = 0;
    WHILE j < 10 DO
      SET k = k + 1, j = j + 1;
      UPDATE orders SET quantity = k % 1000, status = 'changed', updated_at = '2026-01-01' + INTERVAL k * 1000 MICROSECOND
        WHERE id = (k * 7919) % modulus + 1;
    END WHILE;
    COMMIT;
  END WHILE;
END //

DROP PROCEDURE IF EXISTS paced //
CREATE PROCEDURE paced(rate INT, transactions INT, modulus BIGINT)
BEGIN
  DECLARE k INT DEFAULT 0;
  DECLARE chosen BIGINT;
  DECLARE early DECIMAL(20,6);
  DECLARE begun DATETIME(6) DEFAULT SYSDATE(6);
  WHILE k < transactions DO
    SET k = k + 1;
    SET early = k / rate - TIMESTAMPDIFF(MICROSECOND, begun, SYSDATE(6)) / 1000000;
    IF early > 0 THEN DO SLEEP(early); END IF;
    SET chosen = FLOOR(1 + RAND() * modulus);
    UPDATE orders SET updated_at = SYSDATE(6) WHERE id = chosen;
  END WHILE;
END //
DELIMITER ;
