"""TLS to MySQL and MariaDB and the plugins that prove who somebody is: what each SslMode asks for, and what it refuses."""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import certificates, dmskafka, mysql, servers
from lib.harness import case, check, contains, equal, main

ROW = "CREATE TABLE a (id int PRIMARY KEY); INSERT INTO a VALUES (1);"
# Run in each of our sessions: ends the task unless the session has TLS, or has none.
TLS_SEEN = "DO (SELECT CASE WHEN VARIABLE_VALUE {} '' THEN 1 ELSE (SELECT 1 UNION SELECT 2) END FROM {}.session_status WHERE VARIABLE_NAME = 'Ssl_cipher')"
STATUS_TABLES = {"mariadb": "information_schema", "mysql": "performance_schema"}


class Tls:
    """A server that takes plain connections and TLS, with a table in it."""

    def __init__(self, t, kind, *settings):
        self.t, self.kind = t, kind
        self.ca = certificates.make_ca(t.dir, "ours")
        self.other_ca = certificates.make_ca(t.dir, "stranger")
        owner = "mysql" if kind == "mariadb" else None
        certificate, key = certificates.make_certificate(t.dir, self.ca, "localhost", owner=owner)
        self.server, url = servers.own_mysql(t, kind, f"ssl-ca={self.ca[0]}", f"ssl-cert={certificate}", f"ssl-key={key}", *settings)
        self.database = mysql.Database(url)
        self.database.run(ROW)

    def run(self, mode, host="localhost", ca=None, script=None, **user):
        script = script or TLS_SEEN.format(">", STATUS_TABLES[self.kind])
        endpoint = {
            "EngineName": self.kind,
            "SslMode": mode,
            "MySQLSettings": self.database.endpoint(ServerName=host, AfterConnectScript=script, **user),
        }
        if ca:
            endpoint["CertificateArn"] = str(ca)
        return dmskafka.run(self.t, "full-load", "--source", json.dumps(endpoint), "--target", "-", "--table-mappings",
                            dmskafka.mapping("bench.a"), "--state", self.t.dir / "task.dmskafka", "--restart")  # fmt: skip

    def arrives(self, *args, **kwargs):
        records = self.run(*args, **kwargs).expect(0).lines()
        check(len(records) == 3, f"{len(records)} messages, expected two control records and a row")

    def refuses(self, reason, *args, status=4, **kwargs):
        outcome = self.run(*args, **kwargs).expect(status)
        contains(outcome.err, reason, "what is said")
        check(not outcome.out, "a message was sent")


def register(kind):
    @case(f"{mysql.NAMES[kind]}: none is plain, require has TLS without looking at the certificate, the others look")
    def modes(t):
        tls = Tls(t, kind)
        tls.arrives("none", script=TLS_SEEN.format("=", STATUS_TABLES[kind]))
        tls.arrives("require")
        tls.arrives("require", host="127.0.0.1")
        tls.arrives("verify-ca", ca=tls.ca[0])
        tls.arrives("verify-ca", host="127.0.0.1", ca=tls.ca[0])  # a certificate of another name
        tls.arrives("verify-full", ca=tls.ca[0])
        tls.refuses("127.0.0.1", "verify-full", host="127.0.0.1", ca=tls.ca[0])
        for mode in ("verify-ca", "verify-full"):
            tls.refuses("certificate", mode, ca=tls.other_ca[0])
            tls.refuses("nowhere.pem", mode, ca=t.dir / "nowhere.pem", status=3)

    modes.__name__ = f"modes_{kind}"


for kind in STATUS_TABLES:
    register(kind)


@mysql.each_kind("the log is followed over TLS too, by a user who may not do without")
def follows(t, kind):
    tls = Tls(t, kind)
    tls.database.run("CREATE USER sealed@'%' IDENTIFIED BY 'secret' REQUIRE SSL; GRANT ALL ON *.* TO sealed@'%'")
    arguments = {}
    for mode in ("none", "verify-full"):
        endpoint = {
            "EngineName": kind,
            "SslMode": mode,
            "MySQLSettings": tls.database.endpoint(ServerName="localhost", Username="sealed", Password="secret"),
        }
        if mode == "verify-full":
            endpoint["CertificateArn"] = str(tls.ca[0])
        arguments[mode] = ["--source", json.dumps(endpoint), "--target", "-", "--table-mappings", dmskafka.mapping("bench.a"), "--state",
                           t.dir / "task.dmskafka"]  # fmt: skip
    contains(dmskafka.run(t, "full-load", "--prepare-cdc", *arguments["none"]).expect(4).err, "Access denied", "without TLS")
    dmskafka.run(t, "full-load", "--prepare-cdc", *arguments["verify-full"]).expect(0)
    tls.database.run("INSERT INTO a VALUES (2); DELETE FROM a WHERE id = 1")
    lines = dmskafka.run(t, "cdc", "--until-current", *arguments["verify-full"]).expect(0).lines()
    records = [json.loads(line["value"]) for line in lines]
    equal([(r["metadata"]["operation"], r["data"]["id"]) for r in records], [("insert", 2), ("delete", 1)], "changes")


def plugins(t, server, *names):
    """A user of each plugin, in the clear and, where the server has it, over TLS; a wrong password is never repeated."""
    database = server.database(t, ROW)
    for plugin, identified in names:
        user = f"u_{plugin}"[:32]
        server.run(f"CREATE USER {user}@'%' {identified.format('p@ss: wörd')}; GRANT ALL ON {database.name}.* TO {user}@'%'")
        t.defer(server.run, f"DROP USER {user}@'%'")
        for password, status in (("p@ss: wörd", 0), ("s3cret-that-is-wrong", 4)):
            for mode in ("none", "require") if server.kind == "mysql" else ("none",):
                endpoint = {
                    "EngineName": server.kind,
                    "SslMode": mode,
                    "MySQLSettings": database.endpoint(Username=user, Password=password, DatabaseName=database.name),
                }
                outcome = dmskafka.run(t, "full-load", "--source", json.dumps(endpoint), "--target", "-", "--state",
                                       t.dir / "task.dmskafka", "--restart").expect(status)  # fmt: skip
                check(password not in outcome.err, "the password was printed")
                if status:
                    contains(outcome.err, f"Access denied for user '{user}'", f"what is said with {plugin}")
                else:
                    check(len(outcome.lines()) == 3, f"{plugin}, {mode}: {len(outcome.lines())} messages")


@mysql.on_each_server("caching_sha2_password, sha256_password and mysql_native_password", "mysql")
def plugins_of(t, server):
    plugins(t, server, *((name, f"IDENTIFIED WITH {name} BY '{{}}'")
                         for name in ("caching_sha2_password", "sha256_password", "mysql_native_password")))  # fmt: skip


@mysql.on_each_server("mysql_native_password and ed25519", "mariadb")
def plugins_of_mariadb(t, server):
    server.run("INSTALL SONAME 'auth_ed25519'")
    t.defer(server.run, "UNINSTALL SONAME 'auth_ed25519'")
    plugins(t, server, ("native", "IDENTIFIED VIA mysql_native_password USING PASSWORD('{}')"),
            ("ed25519", "IDENTIFIED VIA ed25519 USING PASSWORD('{}')"))  # fmt: skip


if __name__ == "__main__":
    main()
