"""JMAP over a WebSocket (RFC 8887, RFC 6455)."""

import base64
import http.client
import json
import os
import smtplib
import threading
import time
import unittest

from jmap import CORE, MAIL, Jmap
from postern import Server
from websocket import BINARY, CLOSE, PING, PONG, TEXT, Refused, WebSocket

USER = "user1@example.test"
ERROR = "urn:ietf:params:jmap:error:"


def basic(password="secret"):
    return "Basic " + base64.b64encode(
        ("%s:%s" % (USER, password)).encode()).decode()


class Base(unittest.TestCase):
    settings = []

    @classmethod
    def setUpClass(cls):
        cls.server = Server(set=["auth.failure_delay=10"] +
                            cls.settings).start()

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        cls.server.clean()

    def open(self, **fields):
        if not fields:
            fields = {"Authorization": basic()}
        ws = WebSocket(self.server, **fields)
        self.addCleanup(ws.close)
        return ws

    def refused(self, **fields):
        with self.assertRaises(Refused) as got:
            WebSocket(self.server, **fields)
        return got.exception.args

    def echo(self, ws, id="r", **args):
        ws.send_json({"@type": "Request", "id": id, "using": [CORE],
                      "methodCalls": [["Core/echo", args, "c"]]})

    def expect_echo(self, ws, id="r", **args):
        got = ws.read_json()
        self.assertEqual(got["@type"], "Response")
        self.assertEqual(got["requestId"], id)
        self.assertEqual(got["methodResponses"], [["Core/echo", args, "c"]])

    def ask(self, method, path, body=None, **fields):
        c = http.client.HTTPConnection(
            self.server.host, self.server.ports["http"], timeout=20)
        c.request(method, path, body,
                  {k.replace("_", "-"): v for k, v in fields.items()})
        answer = c.getresponse()
        content = answer.read()
        c.close()
        return answer.status, content, answer

    def cookie(self):
        _, _, answer = self.ask(
            "POST", "/web/login", json.dumps(
                {"user": USER, "password": "secret"}), X_Postern="1")
        return answer.getheader("Set-Cookie").split(";")[0]

    def origin(self):
        return "http://%s:%d" % (self.server.host, self.server.ports["http"])

    def deliver(self, subject="hello", to=USER):
        with smtplib.LMTP(self.server.host, self.server.ports["lmtp"]) as l:
            l.sendmail("a@b.test", to,
                       "From: a@b.test\r\nSubject: %s\r\n\r\nx\r\n" % subject)


class Handshake(Base):
    def test_announced(self):
        jmap = Jmap(self.server)
        self.addCleanup(jmap.close)
        about = jmap.session["capabilities"]["urn:ietf:params:jmap:websocket"]
        self.assertEqual(about["url"], "ws://%s:%d/jmap/ws" % (
            self.server.host, self.server.ports["http"]))
        self.assertIs(about["supportsPush"], True)
        self.assertNotIn("urn:ietf:params:jmap:websocket",
                         jmap.session["primaryAccounts"])

    def test_wrong(self):
        good = {"Authorization": basic()}
        status, fields, _ = self.refused(version="12", **good)
        self.assertEqual((status, fields["sec-websocket-version"]),
                         (426, "13"))
        status, fields, _ = self.refused(Upgrade="h2c", **good)
        self.assertEqual((status, fields["upgrade"]), (426, "websocket"))
        self.assertEqual(self.refused(Connection="close", **good)[0], 426)
        self.assertEqual(self.refused(start=b"HEAD", **good)[0], 426)
        self.assertEqual(self.refused(key="c2hvcnQ=", **good)[0], 400)
        self.assertEqual(self.refused(protocol="mqtt", **good)[0], 400)
        self.assertEqual(self.refused(protocol=None, **good)[0], 400)
        self.assertEqual(self.refused(start=b"POST", **good)[0], 405)

    def test_who(self):
        self.assertEqual(self.refused()[0], 401)
        self.assertEqual(self.refused(Authorization=basic("wrong"))[0], 401)
        token = json.loads(self.server.ctl(
            "app-password", "add", USER, "x", "jmap", "--json").stdout)
        self.echo(ws := self.open(Authorization="Bearer " + token["token"]),
                  a=1)
        self.expect_echo(ws, a=1)
        self.echo(ws := self.open(), a=2)
        self.expect_echo(ws, a=2)

    def test_pages(self):
        """A browser says where a page comes from, and sends what it has."""
        cookie = self.cookie()
        self.echo(ws := self.open(Cookie=cookie, Origin=self.origin()), a=1)
        self.expect_echo(ws, a=1)
        for origin in (None, "http://evil.test", "null", "", "https://",
                       self.origin() + "0", self.origin() + ".evil.test",
                       "ftp" + self.origin()[4:]):
            with self.subTest(origin=origin):
                self.assertEqual(
                    self.refused(Cookie=cookie, Origin=origin)[0], 403)
        # A password that the browser remembers is no better.
        self.assertEqual(self.refused(
            Authorization=basic(), Origin="http://evil.test")[0], 403)
        self.echo(ws := self.open(
            Authorization=basic(), Origin=self.origin()), a=2)
        self.expect_echo(ws, a=2)
        self.assertEqual(self.refused(
            Cookie="postern=x", Origin=self.origin())[0], 401)


class Frames(Base):
    settings = ["http.body_size=64K"]

    def setUp(self):
        self.ws = self.open()

    def expect_close(self, octets, code):
        with self.subTest(octets=octets[:40]):
            ws = self.open()
            ws.send(octets)
            self.assertEqual(ws.read_close(), code)
            ws.close()

    def test_fragments(self):
        """With control frames between, octet by octet."""
        frame = self.ws.frame
        text = json.dumps({"@type": "Request", "using": [CORE],
                           "methodCalls": [["Core/echo", {"ü": "€"}, "c"]]},
                          ensure_ascii=False).encode()
        for cut in range(1, len(text), 7):
            self.ws.send(frame(TEXT, text[:cut], last=False) +
                         frame(PING, b"p") + frame(0, b"", last=False) +
                         frame(PONG, b"nobody asked") + frame(0, text[cut:]))
            self.assertEqual(self.ws.read_frame(), (PONG, b"p"))
            got = self.ws.read_json()
            self.assertEqual(got["methodResponses"][0][1], {"ü": "€"})
            self.assertNotIn("requestId", got)
        for octet in frame(TEXT, text):
            self.ws.send(bytes([octet]))
        self.assertEqual(self.ws.read_json()["@type"], "Response")

    def test_wrong_frames(self):
        frame = self.ws.frame
        self.expect_close(frame(TEXT, b"{}", mask=False), 1002)
        self.expect_close(frame(TEXT, b"{}", reserved=4), 1002)
        self.expect_close(frame(3, b"{}"), 1002)
        self.expect_close(frame(11, b"{}"), 1002)
        self.expect_close(frame(0, b"{}"), 1002)
        self.expect_close(frame(TEXT, b"{", last=False) + frame(TEXT, b"}"),
                          1002)
        self.expect_close(frame(PING, b"", last=False), 1002)
        self.expect_close(frame(PING, b"a" * 126), 1002)
        self.expect_close(frame(TEXT, b"{}", length=2), 1002)
        self.expect_close(frame(TEXT, b"a" * 300, length=8), 1002)
        self.expect_close(b"\x81\xff" + b"\xff" * 8 + b"mask", 1002)
        self.expect_close(frame(BINARY, b"{}"), 1003)
        self.expect_close(frame(TEXT, b"\xff"), 1007)
        self.expect_close(frame(TEXT, b"\xc3"), 1007)
        self.expect_close(frame(TEXT, b"\xed\xa0\x80"), 1007)
        self.expect_close(frame(TEXT, b"\xf0\x9f", last=False) +
                          frame(0, b"\x41"), 1007)

    def test_too_large(self):
        frame = self.ws.frame
        # Said before it comes, and found out while it does.
        self.expect_close(frame(TEXT, b"a" * 70000)[:14], 1009)
        self.expect_close(frame(TEXT, b"a" * 40000, last=False) +
                          frame(0, b"a" * 40000), 1009)
        self.expect_close(b"\x81\xff" + b"\x7f" + b"\xff" * 7 + b"mask", 1009)
        self.echo(self.ws, a="b" * 60000)
        self.expect_echo(self.ws, a="b" * 60000)

    def test_close(self):
        frame = self.ws.frame
        for code in (1000, 1001, 1011, 3000, 4999):
            self.expect_close(
                frame(CLOSE, code.to_bytes(2, "big") + b"bye"), code)
        self.expect_close(frame(CLOSE), None)
        for code in (0, 999, 1004, 1005, 1006, 1015, 2999, 5000):
            self.expect_close(frame(CLOSE, code.to_bytes(2, "big")), 1002)
        self.expect_close(frame(CLOSE, b"a"), 1002)
        self.expect_close(frame(CLOSE, b"\x03\xe8\xff"), 1007)
        # What follows a Close is not looked at.
        self.expect_close(frame(CLOSE) + b"\0" * 1000, None)

    def test_request_errors(self):
        ws = self.ws

        def error(text):
            ws.send(ws.frame(TEXT, text.encode()))
            got = ws.read_json()
            self.assertEqual(got["@type"], "RequestError")
            return got["requestId"], got["type"], got["status"]
        self.assertEqual(error("{"), (None, ERROR + "notJSON", 400))
        self.assertEqual(error('{"a":1,"a":2}'),
                         (None, ERROR + "notJSON", 400))
        self.assertEqual(error("[]"), (None, ERROR + "notRequest", 400))
        self.assertEqual(error('{"@type":"Response","id":"x"}'),
                         ("x", ERROR + "notRequest", 400))
        self.assertEqual(error('{"@type":"Request","id":"y"}'),
                         ("y", ERROR + "notRequest", 400))
        self.assertEqual(
            error('{"@type":"Request","id":"z","using":["q"],'
                  '"methodCalls":[]}'),
            ("z", ERROR + "unknownCapability", 400))
        ws.send_json({"@type": "Request", "id": "l", "using": [CORE],
                      "methodCalls": [["Core/echo", {}, "c"]] * 100})
        got = ws.read_json()
        self.assertEqual((got["limit"], got["requestId"]),
                         ("maxCallsInRequest", "l"))
        self.echo(ws, a=1)
        self.expect_echo(ws, a=1)


class Requests(Base):
    settings = ["jmap.requests=1"]

    def test_many(self):
        """What comes at once is answered in turn, with its id."""
        ws = self.open()
        ws.send(b"".join(ws.frame(TEXT, json.dumps(
            {"@type": "Request", "id": str(i), "using": [CORE],
             "methodCalls": [["Core/echo", {"i": i}, "c"]]}).encode())
            for i in range(200)))
        for i in range(200):
            self.expect_echo(ws, str(i), i=i)

    def test_large_answers(self):
        """Who does not read holds up nobody but itself."""
        jmap = Jmap(self.server)
        self.addCleanup(jmap.close)
        inbox = jmap.mailboxes()["inbox"]
        text = "x" * 200000
        made = jmap.create(inbox, bodyValues={"1": {"value": text}},
                           textBody=[{"partId": "1", "type": "text/plain"}])
        ws = self.open()
        call = {"@type": "Request", "using": [CORE, MAIL], "methodCalls": [
            ["Email/get", {"accountId": jmap.account, "ids": [made["id"]],
                           "fetchTextBodyValues": True}, "c%d" % i]
            for i in range(50)]}
        for _ in range(3):
            ws.send_json(call)
        other = self.open()
        self.echo(other, a=1)
        got = other.read_json()
        # The first one may still be worked on.
        while got["@type"] == "RequestError":
            self.assertEqual(got["limit"], "maxConcurrentRequests")
            self.echo(other, a=1)
            got = other.read_json()
        self.assertEqual(got["methodResponses"][0][1], {"a": 1})
        for _ in range(3):
            got = ws.read_json()["methodResponses"]
            self.assertEqual(len(got), 50)
            for _, args, _ in got:
                self.assertEqual(list(
                    args["list"][0]["bodyValues"].values())[0]["value"], text)

    def test_limit(self):
        """Requests of all connections of a user count together."""
        jmap = Jmap(self.server)
        self.addCleanup(jmap.close)
        inbox = jmap.mailboxes()["inbox"]
        ws, refused = self.open(), None
        for _ in range(10):
            thread = threading.Thread(target=lambda: jmap.post({
                "using": jmap.using, "methodCalls": [["Email/set", {
                    "accountId": jmap.account, "create": {
                        "m%d" % i: {"mailboxIds": {inbox: True},
                                    "subject": "%d" % i}
                        for i in range(200)}}, "c"]]}))
            thread.start()
            while thread.is_alive() and refused is None:
                self.echo(ws, "e")
                got = ws.read_json()
                if got["@type"] == "RequestError":
                    refused = got
            thread.join()
            if refused:
                break
        self.assertEqual(
            (refused["type"], refused["limit"], refused["requestId"]),
            (ERROR + "limit", "maxConcurrentRequests", "e"))


class Pushes(Base):
    def setUp(self):
        self.jmap = Jmap(self.server)
        self.addCleanup(self.jmap.close)

    def test_push(self):
        first, second = self.open(), self.open()
        for ws in (first, second):
            ws.send_json({"@type": "WebSocketPushEnable",
                          "dataTypes": None})
            self.echo(ws)  # when this is answered it is enabled
            self.expect_echo(ws)
        self.deliver()
        told = {}
        for ws in (first, second):
            got = ws.read_json()
            self.assertEqual(got["@type"], "StateChange")
            self.assertEqual(list(got["changed"]), [self.jmap.account])
            told[ws] = got
            types = got["changed"][self.jmap.account]
            self.assertEqual(set(types), {"Email", "Mailbox", "Thread",
                                          "EmailDelivery"})
            self.assertEqual(
                types["Email"],
                self.jmap.call("Email/get", ids=[])["state"])
        self.assertEqual(told[first]["pushState"], told[second]["pushState"])
        # What one does the other hears of, and answers come between pushes.
        email = self.jmap.call("Email/query")["ids"][0]
        first.send_json({"@type": "Request", "id": "s", "using": [CORE, MAIL],
                         "methodCalls": [["Email/set", {
                             "accountId": self.jmap.account, "update": {
                                 email: {"keywords/$seen": True}}}, "c"]]})
        got = second.read_json()
        self.assertIn("Email", got["changed"][self.jmap.account])
        self.assertNotIn("EmailDelivery", got["changed"][self.jmap.account])
        kinds = {first.read_json()["@type"], first.read_json()["@type"]}
        self.assertEqual(kinds, {"Response", "StateChange"})

    def test_types(self):
        ws = self.open()
        ws.send_json({"@type": "WebSocketPushEnable",
                      "dataTypes": ["EmailDelivery", "Todo"]})
        self.echo(ws)
        self.expect_echo(ws)
        box = self.jmap.call("Mailbox/set", create={"a": {"name": "New"}})
        self.assertIn("a", box["created"])
        self.deliver()
        got = ws.read_json()["changed"][self.jmap.account]
        self.assertEqual(set(got), {"EmailDelivery"})
        # From now on something else.
        ws.send_json({"@type": "WebSocketPushEnable",
                      "dataTypes": ["Mailbox"]})
        self.echo(ws)
        self.expect_echo(ws)
        self.jmap.call("Mailbox/set", create={"a": {"name": "Newer"}})
        got = ws.read_json()["changed"][self.jmap.account]
        self.assertEqual(set(got), {"Mailbox"})
        ws.send_json({"@type": "WebSocketPushEnable", "dataTypes": [1],
                      "id": "x"})
        self.assertEqual(ws.read_json()["type"], ERROR + "notRequest")

    def test_disable(self):
        ws = self.open()
        ws.send_json({"@type": "WebSocketPushEnable", "dataTypes": None})
        ws.send_json({"@type": "WebSocketPushDisable"})
        self.echo(ws)
        self.expect_echo(ws)
        self.deliver()
        self.echo(ws, a=1)
        self.expect_echo(ws, a=1)

    def test_push_state(self):
        """Who comes back hears of what was missed, and only then."""
        def enable(mark):
            ws = self.open()
            ws.send_json({"@type": "WebSocketPushEnable", "dataTypes": None,
                          "pushState": mark})
            return ws
        ws = enable("nothing that was ever told")
        mark = ws.read_json()["pushState"]
        ws.close()
        ws = enable(mark)
        self.echo(ws)
        self.expect_echo(ws)
        ws.close()
        self.deliver()
        ws = enable(mark)
        got = ws.read_json()
        self.assertIn("Email", got["changed"][self.jmap.account])
        self.assertNotEqual(got["pushState"], mark)

    def test_event_ids(self):
        """The event source tells the same (RFC 8620, 7.3)."""
        def events(**fields):
            c = http.client.HTTPConnection(
                self.server.host, self.server.ports["http"], timeout=20)
            self.addCleanup(c.close)
            c.request("GET", "/jmap/events?types=*&closeafter=state&ping=0",
                      headers={"Authorization": basic(),
                               **{k.replace("_", "-"): v
                                  for k, v in fields.items()}})
            return c.getresponse()
        stream = events(Last_Event_ID="old")
        text = stream.read().decode()  # it ends after that
        self.assertIn("event: state\n", text)
        id = text.split("\nid: ")[1].split("\n")[0]
        stream = events(Last_Event_ID=id)
        self.deliver()
        self.assertIn("EmailDelivery", stream.read().decode())


class Ends(Base):
    """What the user proved who they are with is gone: so is the connection."""
    settings = ["jmap.ping_time=1"]

    def expect_end(self, ws):
        """By itself, soon."""
        self.assertEqual(ws.read_close(), 1008)

    def test_ping(self):
        ws = self.open()
        opcode, content = ws.read_frame()
        self.assertEqual(opcode, PING)
        ws.send(ws.frame(PONG, content))
        self.assertEqual(ws.read_frame()[0], PING)
        # Who does not answer is gone.
        with self.assertRaises((EOFError, ConnectionResetError)):
            while True:
                self.assertEqual(ws.read_frame()[0], PING)

    def test_who_does_not_read(self):
        """An answer that is not taken is not kept for ever."""
        jmap = Jmap(self.server)
        self.addCleanup(jmap.close)
        inbox = jmap.mailboxes()["inbox"]
        made = jmap.create(inbox, bodyValues={"1": {"value": "x" * 200000}},
                           textBody=[{"partId": "1", "type": "text/plain"}])
        ws = self.open()
        call = {"@type": "Request", "using": [CORE, MAIL], "methodCalls": [
            ["Email/get", {"accountId": jmap.account, "ids": [made["id"]],
                           "fetchTextBodyValues": True}, "c%d" % i]
            for i in range(50)]}

        def is_there():
            listed = self.server.ctl("connections", "--json")
            self.assertEqual(listed.returncode, 0, listed.stderr)
            return any(one["activity"] in ("websocket", "running")
                       for one in json.loads(listed.stdout))
        self.assertTrue(is_there())
        for _ in range(4):
            ws.send_json(call)
        for _ in range(60):
            if not is_there():
                return
            time.sleep(1)
        self.fail("it is still there")

    def test_app_password(self):
        made = json.loads(self.server.ctl(
            "app-password", "add", USER, "x", "jmap", "--json").stdout)
        ws = self.open(Authorization="Bearer " + made["token"])
        self.echo(ws)
        self.expect_echo(ws)
        self.server.ctl("app-password", "delete", USER, made["id"])
        self.expect_end(ws)

    def test_session(self):
        cookie = self.cookie()
        ws = self.open(Cookie=cookie, Origin=self.origin())
        self.assertEqual(self.ask("POST", "/web/logout", Cookie=cookie,
                                  X_Postern="1")[0], 204)
        self.expect_end(ws)

    def test_password(self):
        ws = self.open()
        self.server.ctl("user", "passwd", USER, input="another one\n")
        try:
            self.expect_end(ws)
        finally:
            self.server.ctl("user", "passwd", USER, input="secret\n")

    def test_disabled(self):
        ws = self.open()
        self.echo(ws)
        self.expect_echo(ws)
        self.server.ctl("user", "disable", USER)
        try:
            with self.assertRaises((EOFError, ConnectionResetError)):
                while True:
                    self.echo(ws)
                    self.assertEqual(ws.read_frame()[0], PING)
        finally:
            self.server.ctl("user", "enable", USER)

    def test_server_stops(self):
        with Server() as server:
            ws = WebSocket(server, Authorization=basic())
            self.addCleanup(ws.close)
            server.stop()
            self.assertEqual(ws.read_close(), 1001)


class Many(Base):
    settings = ["limits.connections_per_user=20000"]

    def memory(self):
        with open("/proc/%d/smaps_rollup" % self.server.pid) as f:
            for line in f:
                if line.startswith("Pss:"):
                    return int(line.split()[1])

    def test_idle(self):
        """A hundred idle ones are not a hundred threads, nor much memory."""
        self.deliver()
        for _ in range(10):
            self.echo(ws := self.open())
            self.expect_echo(ws)
        threads = len(os.listdir("/proc/%d/task" % self.server.pid))
        for _ in range(200):
            ws = self.open()
            ws.send_json({"@type": "WebSocketPushEnable", "dataTypes": None})
            self.echo(ws)
            self.expect_echo(ws)
        self.assertLess(len(os.listdir("/proc/%d/task" % self.server.pid)),
                        threads + 50)


if __name__ == "__main__":
    unittest.main()
