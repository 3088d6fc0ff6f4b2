"""Maxwell on the same table into the same Kafka. Its state is in the schema "maxwell" of the database."""
from pathlib import Path

from lib.peer import fill, jars, peer
from lib.servers import run

FILES = Path(__file__).resolve().parent.parent / "maxwell"


def maxwell(port, kafka, topic, directory):
    """A peer that follows bench.orders from the stored position."""
    fill(FILES / "maxwell.properties.in", directory / "maxwell.properties", {"BOOT": kafka, "TOPIC": topic, "PORT": port})
    found = jars("maxwell", FILES / "pom.xml")
    stub = found / "stub"
    if not stub.is_dir():
        run("javac", "-d", stub, FILES / "ScriptObjectMirror.java")
    command = ["java", "-Xmx2g", "-cp", f"{stub}:{found}/*", "com.zendesk.maxwell.Maxwell", f"--config={directory / 'maxwell.properties'}"]
    return peer(command, kafka, topic, directory / "maxwell.log")


def rewind(sql, file, offset):
    """The next start begins there; the table is described as it was then."""
    sql(f"UPDATE maxwell.positions SET binlog_file='{file}', binlog_position={offset}, gtid_set=NULL;"
        f"UPDATE maxwell.schemas SET binlog_file='{file}', binlog_position=4, gtid_set=NULL;"
        "UPDATE maxwell.heartbeats SET heartbeat=0")


def begin(sql, port, kafka, directory):
    """Makes its schema, and stores a position from which the next start follows."""
    with maxwell(port, kafka, "maxwell", directory) as running:
        running.until(1, while_waiting=lambda: sql("UPDATE orders SET updated_at = SYSDATE(6) WHERE id = 1"))
        running.end()


def bootstrap(sql, port, kafka, rows, directory):
    """Its snapshot of bench.orders, asked for before it starts; a record each says where it begins and where it ends. REQUIRES: begin(),
    on a server without old_mode's UTF8_IS_UTF8MB3: it cannot read the name of that character set in its own table."""
    sql("INSERT INTO maxwell.bootstrap (database_name, table_name, client_id) VALUES ('bench', 'orders', 'bench')")
    with maxwell(port, kafka, "maxwell", directory) as running:
        result = running.until(rows + 2)
        running.end()
    return result
