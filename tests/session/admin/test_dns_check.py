"""A check of the DNS whose name server says nothing: nobody else waits."""

import json
import signal
import socket
import threading
import unittest

from browser import Browser
from postern import SLOW, Server
from wire import control, request


class Silent(unittest.TestCase):
    def setUp(self):
        self.names = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(self.names.close)
        self.names.bind(("127.0.0.1", 0))
        self.names.settimeout(20 * SLOW)
        self.server = Server(set=[
            "dns.stubs=example.test=127.0.0.1@%d"
            % self.names.getsockname()[1],
            "dns.root_key=", "dns.validate=false", "dns.time=120"])
        self.addCleanup(self.server.clean)
        self.addCleanup(self.server.stop)
        self.server.start()

    def begin(self):
        """A check that is under way."""
        s = control(self.server)
        s.sendall(json.dumps({"request": "dns-check",
                              "domain": "example.test"}).encode() + b"\n")
        self.assertTrue(self.names.recv(512))
        return s

    def end(self):
        """Sooner than the name server is given up."""
        self.server.process.send_signal(signal.SIGTERM)
        self.assertEqual(self.server.process.wait(20 * SLOW), 0)

    def test_the_end_of_the_server(self):
        with self.begin():
            self.end()

    def test_the_end_of_the_server_with_a_browser(self):
        self.server.ctl("user", "set", self.server.users[0], "--admin")
        browser = Browser(self.server)
        self.addCleanup(browser.close)
        self.assertEqual(browser.login(self.server.users[0],
                                       self.server.password), 200)
        got = []

        def ask():
            try:
                got.append(browser.ask("POST", "/web/admin/request", {
                    "request": "dns-check", "domain": "example.test"})[0])
            except OSError:
                got.append(None)
        job = threading.Thread(target=ask)
        job.start()
        self.assertTrue(self.names.recv(512))
        self.end()
        job.join()
        self.assertIn(got[0], (200, 503, None))

    def test_other_requests_when_the_client_goes(self):
        """Whoever asks next does not wait for the end of the check."""
        self.begin().close()
        for _ in range(3):
            self.assertIn("item", request(self.server, request="status")[0])


if __name__ == "__main__":
    unittest.main()
