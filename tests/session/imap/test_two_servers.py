"""Two servers on one database: what clients of one do, those of the other are
told, in time and without gaps."""

import time
import unittest

import cluster
import postern
from imap_client import Client, message

LATE = 5 * postern.SLOW  # seconds; when nothing goes wrong it is milliseconds


@unittest.skipUnless(cluster.programs(), "PostgreSQL is not installed")
class TwoServers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        conninfo = postern.empty_database()
        cls.servers = []
        for _ in range(2):
            server = postern.Server(storage="postgresql:" + conninfo)
            cls.servers.append(server)
            cls.addClassCleanup(server.clean)
            server.start()
            cls.addClassCleanup(server.stop)

    def setUp(self):
        self.a, self.b = (self.client(s) for s in self.servers)

    def client(self, server):
        c = Client(server)
        self.addCleanup(c.close)
        c.login()
        return c

    def until(self, client, command, want):
        """Repeats a command until a line of its answer has `want`."""
        end = time.monotonic() + LATE
        while True:
            lines, end_line = client.cmd(command)
            if any(want in line for line in lines + [end_line]):
                return lines
            self.assertLess(time.monotonic(), end, (want, lines, end_line))
            time.sleep(0.01)

    def test_a_delivery_is_told_in_idle(self):
        self.a.ok("CREATE Idle")
        self.b.ok("SELECT Idle")
        tag = self.b.idle()
        self.a.append(message("idle"), "Idle")
        line = self.b.response()
        self.assertIn(b"1 EXISTS", line)
        self.b.send(b"DONE\r\n")
        self.b.finish(tag)

    def test_flags_and_expunges_arrive(self):
        self.a.ok("CREATE Both")
        for _ in range(3):
            self.a.append(message("both"), "Both")
        self.a.ok("SELECT Both")
        self.b.ok("SELECT Both")
        self.a.ok("STORE 2 +FLAGS ($Mine \\Flagged)")
        self.until(self.b, "NOOP", b"\\Flagged $Mine")
        self.b.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
        self.b.ok("EXPUNGE")
        self.until(self.a, "NOOP", b"1 EXPUNGE")
        self.assertEqual(self.a.ok("UID SEARCH ALL"),
                         self.b.ok("UID SEARCH ALL"))

    def test_what_came_and_went_elsewhere_vanishes(self):
        self.a.ok("CREATE Gone")
        self.b.ok("SELECT Gone")  # this server has it in memory from now on
        self.b.ok("UNSELECT")
        self.a.ok("ENABLE QRESYNC")
        lines = self.a.ok("SELECT Gone")
        validity = next(line for line in lines if b"UIDVALIDITY" in line)
        validity = validity.split(b"UIDVALIDITY ")[1].split(b"]")[0].decode()
        self.a.append(message("gone"), "Gone")
        lines = self.a.ok("UID FETCH 1 (MODSEQ)")
        modseq = lines[-1].split(b"MODSEQ (")[1].split(b")")[0].decode()
        self.a.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
        self.a.ok("EXPUNGE")
        self.b.ok("ENABLE QRESYNC")
        lines = self.b.ok("SELECT Gone (QRESYNC (%s %s))" % (validity, modseq))
        self.assertTrue(any(b"VANISHED (EARLIER) 1" in x for x in lines), lines)
        self.assertTrue(any(b"[UIDNEXT 2]" in x for x in lines), lines)

    def test_a_removed_mailbox_is_gone_for_both(self):
        self.a.ok("CREATE Ends")
        self.b.ok("SELECT Ends")
        self.a.ok("DELETE Ends")
        end = time.monotonic() + LATE
        while self.b.cmd("EXAMINE Ends")[1].startswith(b"OK"):
            self.assertLess(time.monotonic(), end)
            time.sleep(0.01)


if __name__ == "__main__":
    unittest.main()
