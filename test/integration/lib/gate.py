"""A view that stops a reader in its middle until the test lets it go on: the only way to interrupt a load at a known place
without waiting for luck. The rows behind the gate come only while nobody holds the advisory lock."""

from lib.harness import wait_until

_LOCK = 4711

FUNCTION = f"""
CREATE FUNCTION gate() RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  PERFORM pg_advisory_lock_shared({_LOCK});
  PERFORM pg_advisory_unlock_shared({_LOCK});
  RETURN true;
END $$;
"""


def view(name, rows, open_rows, text="'row ' || id"):
    """A view of `rows` rows (id, name), of which the first `open_rows` come at once."""
    return f"""
    CREATE VIEW {name} AS SELECT id, {text} AS name FROM generate_series(1, {rows}) AS id WHERE id <= {open_rows} OR gate();
    """


def shut(t, database):
    """Returns the function that opens the gate again."""
    open_gate = database.session(t, f"SELECT pg_advisory_lock({_LOCK});")
    wait_until(lambda: _locks(database, "granted AND mode = 'ExclusiveLock'"), "the gate is shut", 10)
    return open_gate


def wait_for_reader(database, limit_s=30):
    """Until somebody stands before the gate."""
    wait_until(
        lambda: _locks(database, "NOT granted"), "a reader stands before the gate", limit_s, step_s=0.05
    )


def _locks(database, condition):
    return (
        database.query(
            f"SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = {_LOCK} AND database = "
            f"(SELECT oid FROM pg_database WHERE datname = current_database()) AND {condition}"
        )
        != "0"
    )
