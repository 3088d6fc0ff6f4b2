"""Certificates of a CA of the test's own, made by openssl."""

import os
import shutil
import subprocess

from lib.harness import Skip

_CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")  # made in a moment, unlike RSA's
_RSA = ("-newkey", "rsa:2048")


def openssl(*args):
    if not shutil.which("openssl"):
        raise Skip("openssl is not installed")
    subprocess.run(["openssl", *map(str, args)], check=True, capture_output=True)


def make_ca(directory, name):
    key, certificate = directory / f"{name}.key", directory / f"{name}.pem"
    openssl(
        "req", "-x509", *_CURVE, "-nodes", "-days", "2", "-subj", f"/CN={name}",
        "-keyout", key, "-out", certificate,
    )  # fmt: skip
    return certificate, key


def make_certificate(directory, ca, name, password=None, owner=None):
    """A certificate for `name`, and its key in PKCS #8, the only form that Kafka reads; with a password it is one of RSA. `owner`: the
    system user who alone may read the key, when this is root."""
    certificate, key, request, extensions = (directory / f"{name}.{suffix}" for suffix in ("pem", "key", "csr", "ext"))
    extensions.write_text(f"subjectAltName=DNS:{name}\n")
    protection = [*_RSA, "-passout", f"pass:{password}"] if password else [*_CURVE, "-nodes"]
    openssl("req", *protection, "-subj", f"/CN={name}", "-keyout", key, "-out", request)
    openssl(
        "x509", "-req", "-in", request, "-CA", ca[0], "-CAkey", ca[1], "-CAcreateserial", "-days", "2",
        "-extfile", extensions, "-out", certificate,
    )  # fmt: skip
    key.chmod(0o600)
    if owner and os.geteuid() == 0:
        shutil.chown(key, owner, owner)
    return certificate, key
