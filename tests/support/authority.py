"""A certificate authority for tests, and a web server with its certificates."""

import http.server
import os
import ssl
import subprocess
import tempfile
import shutil
import threading


class Authority:
    def __init__(self, name="Test authority"):
        self.dir = tempfile.mkdtemp(prefix="postern-ca-")
        os.chmod(self.dir, 0o755)
        self.cafile = self.path("ca.pem")
        self.run("req", "-x509", "-newkey", "ec", "-pkeyopt",
                 "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj",
                 "/CN=" + name, "-keyout", "ca.key", "-out", "ca.pem")
        os.chmod(self.cafile, 0o644)

    def path(self, name):
        return os.path.join(self.dir, name)

    def run(self, *args):
        subprocess.run(("openssl",) + args, cwd=self.dir, check=True,
                       capture_output=True)

    def issue(self, host, days=30):
        """A certificate; the paths of it and of its key. `days` 0: it is
        over."""
        base = "%s-%d" % (host, days)
        with open(self.path(base + ".ext"), "w") as f:
            f.write("subjectAltName=DNS:%s\n" % host)
        self.run("req", "-newkey", "ec", "-pkeyopt",
                 "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=test",
                 "-keyout", base + ".key", "-out", base + ".csr")
        self.run("x509", "-req", "-in", base + ".csr", "-CA", "ca.pem",
                 "-CAkey", "ca.key", "-CAcreateserial", "-days", str(days),
                 "-extfile", base + ".ext", "-out", base + ".pem")
        return self.path(base + ".pem"), self.path(base + ".key")

    def clean(self):
        shutil.rmtree(self.dir, ignore_errors=True)


class WebServer:
    """HTTPS on a free port of loopback. `pages`: path to (status, type, octets);
    may be changed at any time. `posted`: what came, (path, headers, octets)."""

    def __init__(self, certificate, key, pages, address="127.0.0.1", port=0):
        outer = self
        self.pages = pages
        self.posted = []
        self.asked = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.asked.append(self.path)
                status, kind, octets = outer.pages.get(
                    self.path, (404, "text/plain", b"nothing"))
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(octets)))
                if status in (301, 302):
                    self.send_header("Location", octets.decode())
                self.end_headers()
                try:
                    self.wfile.write(octets)
                except OSError:
                    pass

            def do_POST(self):
                n = int(self.headers["Content-Length"])
                outer.posted.append(
                    (self.path, dict(self.headers), self.rfile.read(n)))
                self.send_response(201)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *unused):
                pass

        class Server(http.server.ThreadingHTTPServer):
            def handle_error(self, *unused):
                pass

        self.server = Server((address, port), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self.server.socket = context.wrap_socket(
            self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
