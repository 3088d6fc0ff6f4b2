"""TLS and SASL to Kafka: what each SecurityProtocol asks for, and what is refused, against a broker with a certificate of its own CA."""

import json
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import certificates, dmskafka, kafka, servers, sqlite, wire
from lib.harness import Failure, Skip, case, check, contains, equal, main

PASSWORD = "s3cret, with = and ;"
KEY_PASSWORD = "key-secret"


class Broker:
    """A broker with a plain listener for kcat, one with TLS, one that wants a client's certificate, and one with SASL over TLS."""

    def __init__(self, t):
        self.t = t
        self.ca = certificates.make_ca(t.dir, "ours")
        self.other_ca = certificates.make_ca(t.dir, "stranger")
        certificate, key = certificates.make_certificate(t.dir, self.ca, "localhost")
        self.client = certificates.make_certificate(t.dir, self.ca, "client", KEY_PASSWORD)
        self.stranger = certificates.make_certificate(t.dir, self.other_ca, "unknown")
        store = t.file("server-store.pem", key.read_text() + certificate.read_text())
        plain, ssl, mutual, sasl = (servers.free_ports(2) for _ in range(4))
        listeners = f"TLS://127.0.0.1:{ssl},MUTUAL://127.0.0.1:{mutual},SASL://127.0.0.1:{sasl}"
        module = "org.apache.kafka.common.security"
        jaas = f'{module}.plain.PlainLoginModule required user_app="{PASSWORD}";'
        properties = {
            "listeners": f"PLAINTEXT://127.0.0.1:{plain},CONTROLLER://127.0.0.1:{plain + 1},{listeners}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{plain},{listeners}".replace("S://127.0.0.1", "S://localhost")
            .replace("L://127.0.0.1", "L://localhost"),
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,TLS:SSL,MUTUAL:SSL,SASL:SASL_SSL",
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": store,
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": self.ca[0],
            "listener.name.mutual.ssl.client.auth": "required",
            "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-512",
            "listener.name.sasl.plain.sasl.jaas.config": jaas,
            "listener.name.sasl.scram-sha-512.sasl.jaas.config": f"{module}.scram.ScramLoginModule required;",
        }
        sets = [option for name, value in properties.items() for option in ("--set", f"{name}={value}")]
        self.server = servers.Server(t, "kafka-up", plain, "--heap", "256m", *sets)
        self.plain = f"127.0.0.1:{plain}"
        self.tls, self.mutual, self.sasl = (f"localhost:{port}" for port in (ssl, mutual, sasl))
        self.topics = 0
        self.source = t.dir / "shop.db"
        sqlite.run(self.source, "CREATE TABLE orders (id INTEGER PRIMARY KEY); INSERT INTO orders VALUES (1), (2);")

    def add_scram_user(self, name, password):
        classpath = subprocess.run(
            [*self.server._command, "classpath"], check=True, capture_output=True, text=True
        ).stdout.strip()
        # The tool's own syntax: brackets and commas separate, so this password has neither.
        done = subprocess.run(
            ["java", "-cp", classpath, "kafka.admin.ConfigCommand", "--bootstrap-server", self.plain, "--alter",
             "--add-config", f"SCRAM-SHA-512=[password={password}]", "--entity-type", "users", "--entity-name", name],
            capture_output=True, text=True,
        )  # fmt: skip
        if done.returncode:
            raise Failure(f"kafka-configs: {done.stdout}{done.stderr}")

    def run(self, address, env=None, **settings):
        self.topics += 1
        self.topic = f"orders-{self.topics}"
        target = {"Broker": address, "Topic": self.topic, "MessageFormat": "json-unformatted", **settings}
        # Long enough for a broker that is there, and an end for one that never lets us in.
        task = dmskafka.task_settings(1, StallTimeout=10)
        return dmskafka.run(
            self.t, "full-load", "--source", f"sqlite:{self.source}", "--target", json.dumps(target),
            "--task-settings", task, "--state", self.t.dir / f"{self.topic}.dmskafka", env=env,
        )  # fmt: skip

    def arrives(self, address, **settings):
        outcome = self.run(address, **settings).expect(0)
        rows = sorted(r["data"]["id"] for r in wire.data_records(kafka.consume(self.topic, self.plain)))
        equal(rows, [1, 2], f"rows with {settings}")
        return outcome

    def refuses(self, reason, address, **settings):
        outcome = self.run(address, **settings).expect(5)
        contains(outcome.err.lower(), reason, f"what is said with {settings}")
        return outcome


@case("plaintext, ssl-encryption and ssl-authentication, with their certificates and SslEndpointIdentificationAlgorithm")
def tls(t):
    broker = Broker(t)
    encrypted = {"SecurityProtocol": "ssl-encryption", "SslCaCertificateArn": str(broker.ca[0])}
    broker.arrives(broker.plain)
    broker.arrives(broker.tls, **encrypted)
    broker.refuses("certificate", broker.tls, **{**encrypted, "SslCaCertificateArn": str(broker.other_ca[0])})
    # The certificate is of "localhost".
    by_address = broker.tls.replace("localhost", "127.0.0.1")
    broker.refuses("certificate", by_address, **encrypted)
    broker.arrives(by_address, **encrypted, SslEndpointIdentificationAlgorithm="none")
    # Without a certificate of its own a client is sent away by this listener.
    broker.refuses("ssl", broker.mutual, **encrypted)
    mutual = {**encrypted, "SecurityProtocol": "ssl-authentication"}
    ours = {"SslClientCertificateArn": f"file://{broker.client[0]}", "SslClientKeyArn": str(broker.client[1])}
    broker.arrives(
        broker.mutual, **mutual, **ours, SslClientKeyPassword="${env:KEY_PASSWORD}", env={"KEY_PASSWORD": KEY_PASSWORD}
    )
    wrong = broker.run(broker.mutual, **mutual, **ours, SslClientKeyPassword="another")
    check(wrong.status in (3, 5), f"a wrong SslClientKeyPassword ended with {wrong.status}")
    check("another" not in wrong.err, "the key's password was said")
    strange = {"SslClientCertificateArn": str(broker.stranger[0]), "SslClientKeyArn": str(broker.stranger[1])}
    broker.refuses("ssl", broker.mutual, **mutual, **strange)


@case("sasl-ssl with SaslMechanism plain and scram-sha-512, the password from the environment or a file, and never in what is said")
def sasl(t):
    broker = Broker(t)
    broker.add_scram_user("scrammed", "scram-secret")
    secured = {"SecurityProtocol": "sasl-ssl", "SslCaCertificateArn": str(broker.ca[0])}
    plain = {**secured, "SaslMechanism": "plain", "SaslUsername": "app"}
    broker.arrives(broker.sasl, **plain, SaslPassword=PASSWORD)
    broker.arrives(broker.sasl, **plain, SaslPassword="${env:KAFKA_PASSWORD}", env={"KAFKA_PASSWORD": PASSWORD})
    file = t.file("password", PASSWORD + "\n")
    broker.arrives(broker.sasl, **plain, SaslPassword=f"${{file:{file}}}")
    scram = {**secured, "SaslUsername": "scrammed"}  # scram-sha-512 is the default
    broker.arrives(broker.sasl, **scram, SaslPassword="scram-secret")
    for settings in ({**plain, "SaslPassword": "wrong-one"}, {**scram, "SaslPassword": "wrong-one"}, {**plain, "SaslUsername": "nobody", "SaslPassword": "wrong-one"}):
        outcome = broker.refuses("authentication", broker.sasl, **settings)
        check("wrong-one" not in outcome.err, "a password was said")


if __name__ == "__main__":
    main()
