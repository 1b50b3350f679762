"""OAuth 2 access tokens that the tests issue, and files that change as Kubernetes changes them."""

import base64
import json
import os
import time

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding as signatures, rsa


class Issuer:
    """Signs tokens. A broker that was started with the public key accepts them."""

    def __init__(self):
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    @property
    def public_key(self):
        """The public key in PEM."""
        return self._key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)

    def token(self, seconds, padding=0):
        """A token that is valid for this many seconds and for every queue. `padding` is a number of extra bytes."""
        claims = {
            "aud": "amqp-job", "sub": "token-user", "exp": int(time.time() + seconds), "padding": "x" * padding,
            "scope": [f"amqp-job.{permission}:*/*" for permission in ("configure", "write", "read")],
        }
        signed = ".".join(_encoded(json.dumps(part).encode())
                          for part in ({"alg": "RS256", "typ": "JWT", "kid": "test"}, claims))
        signature = self._key.sign(signed.encode(), signatures.PKCS1v15(), hashes.SHA256())
        return Token(f"{signed}.{_encoded(signature)}", claims["exp"])


class Token(str):
    def __new__(cls, text, end):
        made = super().__new__(cls, text)
        made.end = end
        return made

    @property
    def left(self):
        """Seconds until a broker stops accepting the token."""
        return self.end - time.time()


def _encoded(content):
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


class MountedSecret:
    """A file of a Secret as Kubernetes mounts it. It is a symbolic link into a directory that is itself reached by a
    link, and that link is replaced by a rename."""

    def __init__(self, directory, name, content):
        self._directory, self._name, self._number = directory, name, 0
        directory.mkdir()
        self.path = directory / name
        self.replace(content)
        self.path.symlink_to(f"..data/{name}")

    def replace(self, content):
        self._number += 1
        version = self._directory / f"..{self._number}"
        version.mkdir()
        (version / self._name).write_text(content + "\n")
        link = self._directory / "..data_tmp"
        link.symlink_to(version.name)
        os.replace(link, self._directory / "..data")
