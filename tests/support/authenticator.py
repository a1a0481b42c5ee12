"""An authenticator in software, and the browser around it: makes passkeys and
signs with them as Web Authentication Level 2 has it, or wrongly on demand.
Also the codes of authenticator apps (RFC 6238)."""

import base64
import hashlib
import hmac
import json
import secrets
import struct
import time

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import (
    ec, ed25519, padding, rsa)

UP, UV, AT, ED = 0x01, 0x04, 0x40, 0x80


def b64(octets):
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def cbor(value):
    """RFC 8949, as much as is needed."""
    def head(major, n):
        if n < 24:
            return bytes([major << 5 | n])
        for info, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
            if n < 1 << 8 * size:
                return bytes([major << 5 | info]) + n.to_bytes(size, "big")
    if isinstance(value, bool) or value is None:
        return bytes([{False: 0xf4, True: 0xf5, None: 0xf6}[value]])
    if isinstance(value, int):
        return head(0, value) if value >= 0 else head(1, -1 - value)
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, str):
        return head(3, len(value.encode())) + value.encode()
    if isinstance(value, list):
        return head(4, len(value)) + b"".join(map(cbor, value))
    return head(5, len(value)) + b"".join(
        cbor(k) + cbor(v) for k, v in value.items())


class ES256:
    def __init__(self):
        self.private = ec.generate_private_key(ec.SECP256R1())

    def cose(self):
        n = self.private.public_key().public_numbers()
        return {1: 2, 3: -7, -1: 1, -2: n.x.to_bytes(32, "big"),
                -3: n.y.to_bytes(32, "big")}

    def sign(self, data):
        return self.private.sign(data, ec.ECDSA(hashes.SHA256()))


class EdDSA:
    def __init__(self):
        self.private = ed25519.Ed25519PrivateKey.generate()

    def cose(self):
        from cryptography.hazmat.primitives.serialization import (
            Encoding, PublicFormat)
        return {1: 1, 3: -8, -1: 6, -2: self.private.public_key().public_bytes(
            Encoding.Raw, PublicFormat.Raw)}

    def sign(self, data):
        return self.private.sign(data)


class RS256:
    def __init__(self, bits=2048):
        self.private = rsa.generate_private_key(65537, bits)

    def cose(self):
        n = self.private.public_key().public_numbers()
        return {1: 3, 3: -257, -1: n.n.to_bytes((n.n.bit_length() + 7) // 8,
                                                "big"),
                -2: n.e.to_bytes(3, "big")}

    def sign(self, data):
        return self.private.sign(data, padding.PKCS1v15(), hashes.SHA256())


class Passkey:
    """One credential. Attributes may be changed to have it do wrong."""

    def __init__(self, origin, kind=ES256, id_size=32):
        self.origin = origin
        self.rp_id = origin.split("//")[1].split(":")[0]
        self.key = kind()
        self.id = secrets.token_bytes(id_size)
        self.handle = None
        self.count = 0
        self.step = 1  # 0: it does not count
        self.flags = UP | UV
        self.cross = False
        self.extensions = None
        self.type = None  # another one than is right

    def client(self, type, challenge):
        return json.dumps({
            "type": self.type or type, "challenge": challenge,
            "origin": self.origin, "crossOrigin": self.cross,
            "other_keys_can_be_added_here": "by browsers"}).encode()

    def data(self, credential=False):
        self.count += self.step
        flags = self.flags | (AT if credential else 0)
        flags |= ED if self.extensions is not None else 0
        data = hashlib.sha256(self.rp_id.encode()).digest()
        data += struct.pack(">BI", flags, self.count)
        if credential:
            data += bytes(16) + struct.pack(">H", len(self.id)) + self.id
            data += cbor(self.key.cose())
        if self.extensions is not None:
            data += cbor(self.extensions)
        return data

    def create(self, options, attestation=("none", {})):
        """What navigator.credentials.create() answers."""
        self.handle = options["user"]["id"]
        return {"id": b64(self.id), "rawId": b64(self.id),
                "type": "public-key", "response": {
                    "clientDataJSON": b64(self.client(
                        "webauthn.create", options["challenge"])),
                    "attestationObject": b64(cbor({
                        "fmt": attestation[0], "attStmt": attestation[1],
                        "authData": self.data(credential=True)}))}}

    def get(self, options, handle=True):
        """What navigator.credentials.get() answers."""
        client = self.client("webauthn.get", options["challenge"])
        data = self.data()
        signature = self.key.sign(data + hashlib.sha256(client).digest())
        response = {"clientDataJSON": b64(client),
                    "authenticatorData": b64(data),
                    "signature": b64(signature)}
        if handle:
            response["userHandle"] = self.handle
        return {"id": b64(self.id), "rawId": b64(self.id),
                "type": "public-key", "response": response}


def totp(secret, step=0, now=None):
    """The code of now, or of some steps later."""
    counter = int(now if now is not None else time.time()) // 30 + step
    key = base64.b32decode(secret)
    mac = hmac.new(key, struct.pack(">Q", counter), hashlib.sha1).digest()
    at = mac[-1] & 15
    number = int.from_bytes(mac[at:at + 4], "big") & 0x7fffffff
    return "%06d" % (number % 1000000)
