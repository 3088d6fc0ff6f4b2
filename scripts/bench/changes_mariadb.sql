-- Behind orders_mariadb.sql: a procedure that updates every row once, in a scattered order, in transactions of ten rows.
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
DELIMITER ;
