"""A certificate authority that speaks ACME (RFC 8555) on loopback, for tests
with real clients: accounts, orders, http-01, revocation. Section numbers are
those of the RFC. It signs with an authority of its own, root and intermediate.

    with AcmeServer(http_port=8080) as acme:
        ... acme.url, the directory; acme.cafile, for REQUESTS_CA_BUNDLE

Every name that it is asked for it looks up on 127.0.0.1, at `http_port`; a
redirection is followed to any port there. Nothing waits longer than `TIMEOUT`.
"""

import base64
import datetime
import hashlib
import http.client
import http.server
import json
import os
import re
import secrets
import shutil
import ssl
import tempfile
import threading
import urllib.parse

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.x509.oid import NameOID

TIMEOUT = 20
CONTENT_MAX = 64 * 1024
REDIRECTIONS = 5
HOST = re.compile(r"([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z][a-z0-9-]*$")


def b64(octets):
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def unb64(text):
    if re.fullmatch("[A-Za-z0-9_-]*", text) is None:
        raise Problem(400, "malformed", "this is not base64url")
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def compact(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


class Problem(Exception):
    """An answer as section 6.7 has it."""

    def __init__(self, status, kind, detail):
        super().__init__("%s: %s" % (kind, detail))
        self.status = status
        self.document = {"type": "urn:ietf:params:acme:error:" + kind,
                         "detail": detail, "status": status}


# --- certificates -----------------------------------------------------------


def pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM)


def write_key(path, key):
    with open(path, "wb") as f:
        f.write(key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption()))


class Signer:
    """A root, an intermediate, and what that signs."""

    def __init__(self):
        self.root_key = ec.generate_private_key(ec.SECP256R1())
        self.root = self.sign("Root of this test", self.root_key.public_key(),
                              authority=1, days=60)
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.intermediate = self.sign(
            "Intermediate of this test", self.key.public_key(), authority=0,
            days=60, by=(self.root, self.root_key))

    def sign(self, name, public_key, names=(), authority=None, days=30,
             by=None):
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        issuer, key = by or (None, self.root_key)
        now = datetime.datetime.utcnow()
        b = (x509.CertificateBuilder()
             .subject_name(subject)
             .issuer_name(issuer.subject if issuer else subject)
             .public_key(public_key)
             .serial_number(x509.random_serial_number())
             .not_valid_before(now - datetime.timedelta(hours=1))
             .not_valid_after(now + datetime.timedelta(days=days))
             .add_extension(x509.BasicConstraints(
                 authority is not None, authority), critical=True)
             .add_extension(x509.SubjectKeyIdentifier.from_public_key(
                 public_key), critical=False)
             .add_extension(
                 x509.AuthorityKeyIdentifier.from_issuer_public_key(
                     key.public_key()), critical=False))
        if names:
            b = b.add_extension(x509.SubjectAlternativeName(
                [x509.DNSName(n) for n in names]), critical=False)
        return b.sign(key, hashes.SHA256())

    def issue(self, names, public_key, days):
        return self.sign(names[0], public_key, names, days=days,
                         by=(self.intermediate, self.key))


# --- signed requests (6.2) --------------------------------------------------


def public_key_of(jwk):
    """RFC 7517, for the two kinds of keys that clients have."""
    try:
        if jwk["kty"] == "RSA":
            return rsa.RSAPublicNumbers(
                int.from_bytes(unb64(jwk["e"]), "big"),
                int.from_bytes(unb64(jwk["n"]), "big")).public_key()
        if jwk["kty"] == "EC" and jwk["crv"] == "P-256":
            return ec.EllipticCurvePublicNumbers(
                int.from_bytes(unb64(jwk["x"]), "big"),
                int.from_bytes(unb64(jwk["y"]), "big"),
                ec.SECP256R1()).public_key()
    except (KeyError, TypeError, ValueError) as e:
        raise Problem(400, "badPublicKey", "the key is malformed: %s" % e)
    raise Problem(400, "badPublicKey", "there are no such keys here")


def thumbprint(jwk):
    """RFC 7638."""
    members = {"RSA": ("e", "kty", "n"), "EC": ("crv", "kty", "x", "y")}
    return b64(hashlib.sha256(
        compact({k: jwk[k] for k in members[jwk["kty"]]})).digest())


def verify(alg, key, signature, signed):
    try:
        if alg == "RS256" and isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())
        elif (alg == "ES256" and isinstance(key, ec.EllipticCurvePublicKey)
              and len(signature) == 64):
            key.verify(utils.encode_dss_signature(
                int.from_bytes(signature[:32], "big"),
                int.from_bytes(signature[32:], "big")), signed,
                ec.ECDSA(hashes.SHA256()))
        else:
            raise Problem(400, "badSignatureAlgorithm",
                          "there are RS256 and ES256, each with its keys")
    except InvalidSignature:
        raise Problem(400, "malformed", "the signature is wrong")


class Account:
    def __init__(self, number, jwk):
        self.number = number
        self.jwk = jwk
        self.key = public_key_of(jwk)
        self.contact = []
        self.status = "valid"


# --- the server ---------------------------------------------------------------


class AcmeServer:
    """What tests may set at any time:

    days            how long certificates are good
    stale_nonces    so many good nonces are refused as if they were old
    other_key       certificates are for another key than the one asked for

    What they may look at: `accounts`, `issued` (certificates, in order),
    `revoked` (serial numbers), `fetched` (what was asked of hosts: URLs and
    statuses), `problems` (what clients were told)."""

    def __init__(self, http_port):
        self.http_port = http_port
        self.days = 90
        self.stale_nonces = 0
        self.other_key = False
        self.accounts, self.orders, self.authorizations = [], [], []
        self.issued, self.revoked, self.fetched = [], [], []
        self.problems = []
        self.nonces = set()
        self.lock = threading.Lock()    # of all of it
        self.signer = Signer()
        self.dir = tempfile.mkdtemp(prefix="postern-acme-")
        self.cafile = self.path("root.pem")
        self.start()

    def path(self, name):
        return os.path.join(self.dir, name)

    def start(self):
        with open(self.cafile, "wb") as f:
            f.write(pem(self.signer.root))
        key = ec.generate_private_key(ec.SECP256R1())
        write_key(self.path("key.pem"), key)
        with open(self.path("cert.pem"), "wb") as f:
            f.write(pem(self.signer.issue(
                ["localhost"], key.public_key(), 30)) +
                pem(self.signer.intermediate))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.path("cert.pem"), self.path("key.pem"))
        self.server = Listener(("127.0.0.1", 0), Handler)
        self.server.acme = self
        self.server.context = context
        self.base = "https://localhost:%d" % self.server.server_address[1]
        self.url = self.base + "/directory"
        self.thread = threading.Thread(target=self.server.serve_forever,
                                       kwargs={"poll_interval": 0.05})
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
        shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.stop()

    # --- 6.5, 7.1.1, 7.2

    def nonce(self):
        nonce = b64(secrets.token_bytes(16))
        self.nonces.add(nonce)
        return nonce

    def use_nonce(self, nonce):
        if self.stale_nonces > 0:
            self.stale_nonces -= 1
            self.nonces.discard(nonce)
        if nonce not in self.nonces:
            raise Problem(400, "badNonce", "this nonce is not good any more")
        self.nonces.remove(nonce)

    def directory(self):
        places = {name: "%s/%s" % (self.base, name) for name in (
            "newNonce", "newAccount", "newOrder", "revokeCert", "keyChange")}
        places["meta"] = {"termsOfService": self.base + "/terms"}
        return places

    # --- 6.2

    def open(self, url, octets):
        """A request's account (or, for a new one, None), key and payload."""
        try:
            outer = json.loads(octets)
            protected = json.loads(unb64(outer["protected"]))
            alg, said = protected["alg"], protected["url"]
            signed = (outer["protected"] + "." + outer["payload"]).encode()
            signature = unb64(outer["signature"])
            payload = unb64(outer["payload"])
        except (ValueError, KeyError, TypeError):
            raise Problem(400, "malformed", "this is no signed request")
        if said != url:
            raise Problem(401, "unauthorized", "this was signed for " + said)
        if ("jwk" in protected) == ("kid" in protected):
            raise Problem(400, "malformed", "either jwk or kid")
        account = None
        if "kid" in protected:
            account = self.account_of(protected["kid"])
            jwk = account.jwk
        else:
            jwk = protected["jwk"]
        verify(alg, public_key_of(jwk), signature, signed)
        self.use_nonce(protected.get("nonce"))
        return account, jwk, payload

    def account_of(self, url):
        for a in self.accounts:
            if url == self.account_url(a):
                if a.status != "valid":
                    raise Problem(401, "unauthorized", "it is " + a.status)
                return a
        raise Problem(400, "accountDoesNotExist", "there is no " + str(url))

    # --- 7.3

    def account_url(self, account):
        return "%s/account/%d" % (self.base, account.number)

    def show_account(self, account):
        return {"status": account.status, "contact": account.contact,
                "orders": self.account_url(account) + "/orders"}

    def new_account(self, account, jwk, payload):
        if account is not None:
            raise Problem(400, "malformed", "a new account comes with its key")
        known = [a for a in self.accounts
                 if thumbprint(a.jwk) == thumbprint(jwk)]
        if known:
            return (200, self.show_account(known[0]),
                    {"Location": self.account_url(known[0])})
        if payload.get("onlyReturnExisting"):
            raise Problem(400, "accountDoesNotExist", "there is none")
        if not payload.get("termsOfServiceAgreed"):
            raise Problem(403, "userActionRequired", "the terms, please")
        account = Account(len(self.accounts), jwk)
        account.contact = payload.get("contact", [])
        self.accounts.append(account)
        return (201, self.show_account(account),
                {"Location": self.account_url(account)})

    def change_account(self, account, number, payload):
        if account.number != number:
            raise Problem(403, "unauthorized", "this is another's account")
        account.contact = payload.get("contact", account.contact)
        if payload.get("status") == "deactivated":
            account.status = "deactivated"
        return 200, self.show_account(account), {}

    def change_key(self, account, jwk, payload):
        """7.3.5: inside of it is a request that the new key has signed."""
        try:
            protected = json.loads(unb64(payload["protected"]))
            inner = json.loads(unb64(payload["payload"]))
            new, old = protected["jwk"], inner["oldKey"]
            verify(protected["alg"], public_key_of(new),
                   unb64(payload["signature"]),
                   (payload["protected"] + "." + payload["payload"]).encode())
        except (ValueError, KeyError, TypeError):
            raise Problem(400, "malformed", "this is no change of a key")
        if (inner.get("account") != self.account_url(account) or
                thumbprint(old) != thumbprint(account.jwk) or
                protected.get("url") != self.base + "/keyChange"):
            raise Problem(400, "malformed", "this is of another account")
        if any(thumbprint(a.jwk) == thumbprint(new) for a in self.accounts):
            raise Problem(409, "malformed", "somebody has this key")
        account.jwk, account.key = new, public_key_of(new)
        return 200, self.show_account(account), {}

    # --- 7.4, 7.5

    def new_order(self, account, jwk, payload):
        try:
            names = [i["value"].lower() for i in payload["identifiers"]
                     if i["type"] == "dns"]
        except (KeyError, TypeError, AttributeError):
            raise Problem(400, "malformed", "whom is this for?")
        if not names or len(names) != len(payload["identifiers"]):
            raise Problem(400, "unsupportedIdentifier", "names of hosts only")
        for name in names:
            if not HOST.match(name):
                raise Problem(400, "rejectedIdentifier", "not for " + name)
        order = {"number": len(self.orders), "account": account,
                 "names": names, "authorizations": [], "certificate": None,
                 "status": "pending"}
        for name in names:
            authorization = {
                "number": len(self.authorizations), "account": account,
                "name": name, "status": "pending", "error": None,
                "token": b64(secrets.token_bytes(32))}
            self.authorizations.append(authorization)
            order["authorizations"].append(authorization)
        self.orders.append(order)
        return 201, self.show_order(order), {
            "Location": "%s/order/%d" % (self.base, order["number"])}

    def show_order(self, order):
        statuses = {a["status"] for a in order["authorizations"]}
        if order["status"] == "pending":
            if statuses == {"valid"}:
                order["status"] = "ready"
            elif statuses - {"valid", "pending"}:
                order["status"] = "invalid"
        shown = {
            "status": order["status"], "expires": self.soon(),
            "identifiers": [{"type": "dns", "value": n}
                            for n in order["names"]],
            "authorizations": ["%s/authorization/%d" % (self.base, a["number"])
                               for a in order["authorizations"]],
            "finalize": "%s/finalize/%d" % (self.base, order["number"])}
        if order["certificate"] is not None:
            shown["certificate"] = "%s/certificate/%d" % (
                self.base, order["number"])
        return shown

    @staticmethod
    def soon():
        return (datetime.datetime.utcnow() + datetime.timedelta(
            hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")

    def show_challenge(self, a):
        status = {"deactivated": "invalid"}.get(a["status"], a["status"])
        shown = {"type": "http-01", "token": a["token"], "status": status,
                 "url": "%s/challenge/%d" % (self.base, a["number"])}
        if a["error"] is not None:
            shown["error"] = a["error"].document
        return shown

    def show_authorization(self, a, payload):
        if payload.get("status") == "deactivated":  # 7.5.2
            a["status"] = "deactivated"
        return 200, {
            "identifier": {"type": "dns", "value": a["name"]},
            "status": a["status"], "expires": self.soon(),
            "challenges": [self.show_challenge(a)]}, {}

    def answer_challenge(self, a, octets):
        if octets and a["status"] == "pending":  # empty: only asked for
            try:
                # Others may ask meanwhile: the host whose answer this is, too.
                self.lock.release()
                try:
                    got = self.fetch(a["name"], a["token"])
                finally:
                    self.lock.acquire()
                wanted = "%s.%s" % (a["token"], thumbprint(a["account"].jwk))
                if got.rstrip() != wanted.encode():
                    raise Problem(403, "unauthorized",
                                  "this is not the answer: %r" % got[:200])
                a["status"] = "valid"
            except Problem as problem:
                a["status"], a["error"] = "invalid", problem
                self.problems.append(str(problem))
        return 200, self.show_challenge(a), {
            "Link": '<%s/authorization/%d>;rel="up"' % (
                self.base, a["number"])}

    def fetch(self, name, token):
        """8.3: where the name leads, which here is always loopback."""
        url = "http://%s:%d/.well-known/acme-challenge/%s" % (
            name, self.http_port, token)
        for _ in range(REDIRECTIONS):
            parts = urllib.parse.urlsplit(url)
            if parts.scheme == "https":
                # What is there yet need not be trusted by anybody.
                c = http.client.HTTPSConnection(
                    "127.0.0.1", parts.port or 443, timeout=TIMEOUT,
                    context=ssl._create_unverified_context())
            else:
                c = http.client.HTTPConnection(
                    "127.0.0.1", parts.port or 80, timeout=TIMEOUT)
            try:
                c.request("GET", parts.path, headers={
                    "Host": parts.netloc, "User-Agent": "acme-of-a-test"})
                answer = c.getresponse()
                octets = answer.read(CONTENT_MAX)
            except (OSError, http.client.HTTPException) as e:
                self.fetched.append((url, None))
                raise Problem(400, "connection", "%s: %s" % (url, e))
            finally:
                c.close()
            self.fetched.append((url, answer.status))
            if answer.status == 200:
                return octets
            if answer.status not in (301, 302, 307, 308):
                break
            url = urllib.parse.urljoin(url, answer.getheader("Location", ""))
        raise Problem(403, "unauthorized",
                      "%s: status %d" % (url, answer.status))

    # --- 7.4, 7.4.2, 7.6

    def finalize(self, order, payload):
        self.show_order(order)
        if order["status"] != "ready":
            raise Problem(403, "orderNotReady", "it is " + order["status"])
        try:
            csr = x509.load_der_x509_csr(unb64(payload["csr"]))
            names = csr.extensions.get_extension_for_class(
                x509.SubjectAlternativeName).value.get_values_for_type(
                    x509.DNSName)
        except (KeyError, TypeError, ValueError, x509.ExtensionNotFound):
            raise Problem(400, "badCSR", "this is no request for these names")
        if not csr.is_signature_valid or sorted(names) != sorted(
                order["names"]):
            raise Problem(400, "badCSR", "this is a request for others")
        key = csr.public_key()
        if self.other_key:
            key = ec.generate_private_key(ec.SECP256R1()).public_key()
        order["certificate"] = self.signer.issue(order["names"], key,
                                                 self.days)
        order["status"] = "valid"
        self.issued.append(order["certificate"])
        return 200, self.show_order(order), {
            "Location": "%s/order/%d" % (self.base, order["number"])}

    def chain(self, order):
        if order["certificate"] is None:
            raise Problem(404, "malformed", "there is none yet")
        return 200, pem(order["certificate"]) + pem(
            self.signer.intermediate), {}

    def revoke(self, account, jwk, payload):
        try:
            certificate = x509.load_der_x509_certificate(
                unb64(payload["certificate"]))
        except (KeyError, TypeError, ValueError):
            raise Problem(400, "malformed", "this is no certificate")
        if certificate not in self.issued:
            raise Problem(404, "malformed", "this is not from here")
        owners = [o["account"] for o in self.orders
                  if o["certificate"] == certificate]
        if account not in owners and public_key_of(
                jwk).public_numbers() != certificate.public_key(
                ).public_numbers():
            raise Problem(403, "unauthorized", "this is another's")
        if certificate.serial_number in self.revoked:
            raise Problem(400, "alreadyRevoked", "it is revoked already")
        self.revoked.append(certificate.serial_number)
        return 200, None, {}

    # --- who answers what

    def own(self, account, things, number):
        if account is None:
            raise Problem(400, "malformed", "kid, please")
        if number >= len(things) or things[number]["account"] is not account:
            raise Problem(404, "malformed", "there is no such thing of yours")
        return things[number]

    def post(self, path, url, octets):
        """The status, the content (a document, octets or None), fields."""
        account, jwk, inner = self.open(url, octets)
        try:
            payload = json.loads(inner) if inner else {}
        except ValueError:
            payload = None
        if not isinstance(payload, dict):
            raise Problem(400, "malformed", "the payload is no object")
        word, _, number = path.strip("/").partition("/")
        if word == "newAccount":
            return self.new_account(account, jwk, payload)
        if word == "revokeCert":
            return self.revoke(account, jwk, payload)
        if account is None:
            raise Problem(400, "malformed", "kid, please")
        if word == "newOrder":
            return self.new_order(account, jwk, payload)
        if word == "keyChange":
            return self.change_key(account, jwk, payload)
        if not number.isdigit():
            raise Problem(404, "malformed", "there is no " + path)
        number = int(number)
        if word == "account":
            return self.change_account(account, number, payload)
        if word in ("authorization", "challenge"):
            a = self.own(account, self.authorizations, number)
            if word == "challenge":
                return self.answer_challenge(a, inner)
            return self.show_authorization(a, payload)
        order = self.own(account, self.orders, number)
        if word == "order":
            return 200, self.show_order(order), {}
        if word == "finalize":
            return self.finalize(order, payload)
        if word == "certificate":
            return self.chain(order)
        raise Problem(404, "malformed", "there is no " + path)


class Listener(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def finish_request(self, request, address):
        # The handshake belongs to the connection's thread, and ends.
        request.settimeout(TIMEOUT)
        try:
            request = self.context.wrap_socket(request, server_side=True)
        except OSError:
            return
        with request:
            self.RequestHandlerClass(request, address, self)

    def handle_error(self, *unused):
        pass


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = TIMEOUT

    def answer(self, status, content, fields):
        acme = self.server.acme
        kind = "application/json"
        if isinstance(content, bytes):
            kind = "application/pem-certificate-chain"
        elif content is None:
            content = b""
        else:
            if status >= 400:
                kind = "application/problem+json"
            content = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Link", '<%s>;rel="index"' % acme.url)
        for name, value in fields.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def do_GET(self):
        acme = self.server.acme
        with acme.lock:
            nonce = {"Replay-Nonce": acme.nonce()}
        if self.path == "/directory":
            self.answer(200, acme.directory(), {})
        elif self.path == "/newNonce":
            self.answer(200 if self.command == "HEAD" else 204, None, nonce)
        elif self.path == "/terms":
            self.answer(200, {"terms": "none"}, {})
        else:
            self.answer(405, Problem(405, "malformed", "POST").document, {})

    do_HEAD = do_GET

    def do_POST(self):
        acme = self.server.acme
        size = int(self.headers.get("Content-Length", 0))
        octets = self.rfile.read(min(size, CONTENT_MAX))
        with acme.lock:
            try:
                if self.headers.get_content_type() != "application/jose+json":
                    raise Problem(415, "malformed", "application/jose+json")
                status, content, fields = acme.post(
                    self.path, acme.base + self.path, octets)
            except Problem as problem:
                acme.problems.append(str(problem))
                status, content, fields = (problem.status, problem.document,
                                           {})
            fields = {**fields, "Replay-Nonce": acme.nonce()}
        self.answer(status, content, fields)

    def log_message(self, *unused):
        pass
