-- Statements that a global read lock would wait for, and everybody else behind it.
SELECT COUNT(*), MAX(TIME)
FROM information_schema.PROCESSLIST
WHERE COMMAND IN ('Query', 'Execute') AND TIME >= 5 AND ID <> CONNECTION_ID()
