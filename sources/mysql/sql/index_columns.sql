-- The columns of a table's indexes in their order, with the length of a prefix where only that is in the index.
SELECT INDEX_NAME, COLUMN_NAME, SUB_PART
FROM information_schema.STATISTICS
WHERE TABLE_SCHEMA = {schema} AND TABLE_NAME = {table}
ORDER BY INDEX_NAME, SEQ_IN_INDEX
