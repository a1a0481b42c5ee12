"""What a monitoring system reads, on a listener of its own."""

import http.client
import imaplib
import re
import smtplib
import unittest

from postern import Server


class Metrics(unittest.TestCase):
    def setUp(self):
        self.server = Server(set=[
            "listener.metrics.protocol=metrics", "listener.metrics.tls=none",
            "listener.metrics.address=127.0.0.1",
            "auth.failure_delay=1"]).start()
        self.addCleanup(self.server.clean)
        self.addCleanup(self.server.stop)

    def ask(self, port, path):
        c = http.client.HTTPConnection(self.server.host, port, timeout=20)
        c.request("GET", path)
        answer = c.getresponse()
        text = answer.read().decode()
        c.close()
        return answer.status, text

    def values(self):
        status, text = self.ask(self.server.ports["metrics"], "/metrics")
        self.assertEqual(status, 200)
        found = {}
        for line in text.splitlines():
            if not line.startswith("#"):
                m = re.fullmatch(
                    r'postern_(\w+)(?:\{\w+="([^"]*)"\})? (\d+)', line)
                self.assertIsNotNone(m, line)
                self.assertNotIn(m.group(1, 2), found)
                found[m.group(1, 2)] = int(m.group(3))
        return found

    def test_metrics(self):
        self.values()
        i = imaplib.IMAP4(self.server.host, self.server.ports["imap"])
        with self.assertRaises(imaplib.IMAP4.error):
            i.login("user1@example.test", "wrong")
        with smtplib.LMTP(self.server.host, self.server.ports["lmtp"]) as m:
            for _ in range(3):
                m.sendmail("a@x.test", ["user1@example.test"], b"A: b\r\n")
        found = self.values()
        self.assertEqual(found["connections", "imap"], 1)
        self.assertEqual(found["connections", "metrics"], 1)
        self.assertEqual(found["events_total", "message"], 3)
        self.assertEqual(found["events_total", "login-failed"], 1)
        self.assertGreater(found["start_time_seconds", None], 1700000000)
        i.shutdown()

    def test_nothing_else(self):
        port = self.server.ports["metrics"]
        self.assertEqual(self.ask(port, "/health"), (200, "ok\n"))
        self.assertEqual(self.ask(port, "/jmap/session")[0], 404)
        self.assertEqual(self.ask(port, "/")[0], 404)
        self.assertEqual(
            self.ask(self.server.ports["http"], "/metrics.txt")[0], 404)


if __name__ == "__main__":
    unittest.main()
