"""Getting in to PostgreSQL: what each SslMode asks for and refuses, against a server with a certificate of its own CA; passwords."""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import certificates, dmskafka, postgres, servers
from lib.harness import case, check, contains, main

# Run on each of our connections; an error there ends the task.
WITH_TLS = """DO $$ BEGIN IF NOT (SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()) THEN
RAISE 'this connection is plain'; END IF; END $$"""
WITHOUT_TLS = WITH_TLS.replace("IF NOT", "IF").replace("is plain", "has TLS")


class Tls:
    """A server that takes plain connections and TLS, with a table in it."""

    def __init__(self, t):
        self.t = t
        self.ca = certificates.make_ca(t.dir, "ours")
        self.other_ca = certificates.make_ca(t.dir, "stranger")
        certificate, key = certificates.make_certificate(t.dir, self.ca, "localhost", owner="postgres")
        self.server = servers.own_postgres(
            t, "--set", "ssl=on", "--set", f"ssl_cert_file={certificate}", "--set", f"ssl_key_file={key}"
        )
        postgres.Database(self.server.address).run("CREATE TABLE a (id int PRIMARY KEY); INSERT INTO a VALUES (1);")
        self.uri = postgres.urllib.parse.urlsplit(self.server.address)

    def run(self, mode, host="localhost", ca=None, script=WITH_TLS):
        endpoint = {
            "EngineName": "postgres",
            "SslMode": mode,
            "PostgreSQLSettings": {
                "ServerName": host,
                "Port": self.uri.port,
                "Username": "postgres",
                "DatabaseName": self.uri.path[1:],
                "AfterConnectScript": script,
            },
        }
        if ca:
            endpoint["CertificateArn"] = str(ca)
        return dmskafka.run(self.t, "full-load", "--source", json.dumps(endpoint), "--target", "-",
                            "--state", self.t.dir / "task.dmskafka", "--restart")  # fmt: skip

    def arrives(self, *args, **kwargs):
        records = self.run(*args, **kwargs).expect(0).lines()
        check(len(records) == 3, f"{len(records)} messages, expected two control records and a row")

    def refuses(self, reason, *args, **kwargs):
        outcome = self.run(*args, **kwargs).expect(4)
        contains(outcome.err, reason, "what is said")
        check(not outcome.out, "a message was sent")


@case("none is plain, require has TLS without looking at the certificate, verify-ca and verify-full look")
def modes(t):
    tls = Tls(t)
    tls.arrives("none", script=WITHOUT_TLS)
    tls.arrives("require")
    tls.arrives("require", host="127.0.0.1")
    tls.arrives("verify-ca", ca=tls.ca[0])
    tls.arrives("verify-ca", host="127.0.0.1", ca=tls.ca[0])  # a certificate of another name
    tls.arrives("verify-full", ca=tls.ca[0])
    tls.refuses('does not match host name "127.0.0.1"',
                "verify-full", host="127.0.0.1", ca=tls.ca[0])  # fmt: skip
    for mode in ("verify-ca", "verify-full"):
        tls.refuses("certificate verify failed", mode, ca=tls.other_ca[0])
        tls.refuses("root certificate", mode, ca=t.dir / "nowhere.pem")


@case("a server that knows no TLS is refused by require, and never spoken to in the clear")
def no_tls(t):
    server = servers.own_postgres(t)
    outcome = dmskafka.run(t, "full-load", "--source", server.address + "?sslmode=require", "--target", "-")
    outcome.expect(4)
    contains(outcome.err, "SSL", "what is said")


@case("Password: scram-sha-256 and md5, for rows and for the log; a wrong or missing one is refused, and none is ever said")
def passwords(t):
    server = servers.own_postgres(t)
    database = postgres.Database(server.address)
    secret = "p@ss:w/rd 'ü\""
    for name, method in (("scram_user", "scram-sha-256"), ("md5_user", "md5")):
        database.run(f"""SET password_encryption = '{method}'; CREATE ROLE {name} LOGIN SUPERUSER PASSWORD '{secret.replace("'", "''")}';""")
    rules = pathlib.Path(database.query("SHOW hba_file"))
    asked = "".join(f"host all {name} {address} {method}\n" for name, method in (("scram_user", "scram-sha-256"), ("md5_user", "md5"))
                    for address in ("127.0.0.1/32", "::1/128"))
    rules.write_text(asked + rules.read_text())
    database.run("CREATE TABLE a (id int PRIMARY KEY); INSERT INTO a VALUES (1); SELECT pg_reload_conf();")
    parts = postgres.urllib.parse.urlsplit(server.address)

    def run(name, password, status, *words, env=None):
        members = {} if password is None else {"Password": password}
        endpoint = {"ServerName": parts.hostname, "Port": parts.port, "Username": name, "DatabaseName": parts.path[1:], **members}
        outcome = dmskafka.run(t, "full-load", "--source", json.dumps(endpoint), "--target", "-", "--task-id", name,
                               "--state", t.dir / f"{name}.dmskafka", "--restart", *words, env=env).expect(status)  # fmt: skip
        check(secret not in outcome.err and secret.encode() not in outcome.out, "the password was said")
        return outcome

    for name in ("scram_user", "md5_user"):
        for password, env in ((secret, None), ("${env:TEST_SECRET}", {"TEST_SECRET": secret})):
            check(len(run(name, password, 0, "--then-cdc", "--until-current", env=env).lines()) == 3, "two control records and a row")
        contains(run(name, "wrong", 4).err, "password authentication failed", "what is said of a wrong one")
        contains(run(name, None, 4).err, "password", "what is said of none")
        uri = postgres.with_user(server.address, name, secret)
        dmskafka.run(t, "full-load", "--source", uri, "--target", "-", "--state", t.dir / "uri.dmskafka", "--restart").expect(0)
        dmskafka.run(t, "cleanup", "--source", uri, "--target", "-", "--task-id", name, "--state", t.dir / f"{name}.dmskafka").expect(0)


if __name__ == "__main__":
    main()
