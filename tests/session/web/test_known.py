"""What mail programs and other servers ask for by well-known names."""

import http.client
import unittest
import xml.etree.ElementTree as xml

from postern import Server


class Known(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(
            set=["listener.imaps.port=29931", "web.mta_sts=enforce", "web.mta_sts_age=86400"],
            args=["--ports", "auto"]).start()

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        cls.server.clean()

    def ask(self, method, path, host, body=None):
        c = http.client.HTTPConnection(
            self.server.host, self.server.ports["http"], timeout=20)
        c.request(method, path, body, {"Host": host})
        answer = c.getresponse()
        text = answer.read()
        c.close()
        return answer.status, text

    def test_mta_sts(self):
        status, text = self.ask("GET", "/.well-known/mta-sts.txt",
                                "mta-sts.example.test")
        self.assertEqual((status, text), (
            200, b"version: STSv1\r\nmode: enforce\r\n"
            b"mx: mail.example.test\r\nmax_age: 86400\r\n"))
        self.assertEqual(self.ask("GET", "/.well-known/mta-sts.txt",
                                  "mta-sts.elsewhere.test")[0], 404)

    def test_autoconfig(self):
        status, text = self.ask("GET", "/mail/config-v1.1.xml?emailaddress=x",
                                "autoconfig.example.test:80")
        self.assertEqual(status, 200)
        root = xml.fromstring(text)
        self.assertEqual(root.find("emailProvider").get("id"), "example.test")
        server = root.find(".//incomingServer[@type='imap']")
        self.assertEqual(server.find("port").text, "29931")
        self.assertEqual(server.find("socketType").text, "SSL")
        server = root.find(".//outgoingServer")
        self.assertEqual(server.find("port").text,
                         str(self.server.ports["submissions"]))
        self.assertEqual(server.find("socketType").text, "SSL")
        status, text = self.ask("GET", "/mail/config-v1.1.xml",
                                'autoconfig.<a>"&')
        self.assertEqual(status, 200)
        xml.fromstring(text)

    def test_large(self):
        # Who has not logged in may not fill the memory.
        self.assertEqual(self.ask("POST", "/autodiscover/autodiscover.xml",
                                  "x", b" " * (64 * 1024 + 1))[0], 413)
        self.assertEqual(self.ask("POST", "/autodiscover/autodiscover.xml",
                                  "x", b" " * (64 * 1024))[0], 200)

    def test_autodiscover(self):
        status, text = self.ask(
            "POST", "/autodiscover/autodiscover.xml", "x",
            "<Autodiscover><Request><EMailAddress>a&amp;b@example.test"
            "</EMailAddress></Request></Autodiscover>")
        self.assertEqual(status, 200)
        root = xml.fromstring(text)
        space = ("{http://schemas.microsoft.com/exchange/autodiscover/"
                 "outlook/responseschema/2006a}")
        types = [t.text for t in root.iter(space + "Type")]
        self.assertEqual(types, ["IMAP", "POP3", "SMTP"])
        self.assertEqual(self.ask("POST", "/autodiscover/autodiscover.xml",
                                  "x", "")[0], 200)

    def test_health(self):
        self.assertEqual(self.ask("GET", "/health", "x"), (200, b"ok\n"))


if __name__ == "__main__":
    unittest.main()
