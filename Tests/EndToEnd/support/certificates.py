"""Makes certificates to test TLS with: certificates.py DIRECTORY

ca.pem signs all others. cert.pem and key.pem are the broker's, for localhost and 127.0.0.1. Every other file holds a
certificate and its key: client.pem is for the user guest, and the rest are for servers that a client should not trust.
"""

import datetime
import ipaddress
import pathlib
import sys

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = datetime.timedelta(days=1)
NOW = datetime.datetime.utcnow()
LOCAL = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]


def name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def certificate(common_name, key, issuer, issuer_key, names=(), is_ca=False, start=-DAY, end=DAY):
    builder = (
        x509.CertificateBuilder().subject_name(name(common_name)).issuer_name(issuer).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(NOW + start).not_valid_after(NOW + end)
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(issuer_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def key_text(key, password=None):
    protection = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, protection)


def make(directory):
    ca, key, other = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
    issuer = name("test CA")

    def signed(common_name, names=(), **options):
        return certificate(common_name, key, issuer, ca, names, **options)

    files = {
        "ca": certificate("test CA", ca, issuer, ca, is_ca=True),
        "other-ca": certificate("other CA", other, name("other CA"), other, is_ca=True),
        "cert": signed("broker", LOCAL),
        "key": key_text(key),
        "other-key": key_text(other),
        "locked-key": key_text(key, b"secret"),
        "client": signed("guest") + key_text(key),
        "stranger": signed("nobody") + key_text(key),
        "server": signed("server", LOCAL) + key_text(key),
        "expired": signed("server", LOCAL, start=-2 * DAY, end=-DAY) + key_text(key),
        "future": signed("server", LOCAL, start=DAY, end=2 * DAY) + key_text(key),
        "elsewhere": signed("server", [x509.DNSName("broker.example")]) + key_text(key),
        "common-name-only": signed("localhost") + key_text(key),
        "no-address": signed("server", [x509.DNSName("localhost")]) + key_text(key),
        "address-as-name": signed("127.0.0.1", [x509.DNSName("127.0.0.1")]) + key_text(key),
        "address-as-name-and-others": signed(
            "server", [x509.DNSName(f"broker-{number}.example") for number in range(4)] + [x509.DNSName("127.0.0.1")]
        ) + key_text(key),
        "common-address-only": signed("127.0.0.1") + key_text(key),
        "self-signed": certificate("localhost", key, name("localhost"), key, LOCAL) + key_text(key),
    }
    directory.mkdir(parents=True, exist_ok=True)
    for each, content in files.items():
        (directory / f"{each}.pem").write_bytes(content)


if __name__ == "__main__":
    make(pathlib.Path(sys.argv[1]))
