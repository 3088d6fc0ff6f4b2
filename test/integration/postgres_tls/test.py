"""TLS to PostgreSQL: what each SslMode asks for, and what it refuses, against a server with a certificate of its own CA."""

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


if __name__ == "__main__":
    main()
