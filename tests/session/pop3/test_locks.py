"""One session a maildrop (RFC 1939, 4; RFC 2449, 8.1.2), and no lock that
outlives its session."""

import threading
import unittest

from pop3_client import SLOW, Case, Client, message


class Locks(Case):
    users = 5

    def attempt(self, user=0):
        """A second session: its answer to PASS."""
        c = self.connect()
        c.ok("USER " + self.server.users[user])
        got = c.cmd("PASS " + self.server.password)
        if got.startswith(b"+OK"):
            c.quit()
        return got

    def test_in_use(self):
        c = self.login()
        self.assertErr(self.attempt(), "IN-USE")
        self.assertOk(self.attempt(1))
        # Who was refused may try again in the same session.
        second = self.connect()
        second.ok("USER " + self.server.users[0])
        self.assertErr(second.cmd("PASS secret"), "IN-USE")
        self.assertErr(second.cmd("STAT"))
        c.quit()
        second.login()

    def test_a_wrong_password_tells_nothing(self):
        self.login(2)
        c = self.connect()
        c.ok("USER " + self.server.users[2])
        self.assertErr(c.cmd("PASS wrong"), "AUTH")

    def test_free_before_the_answer_to_quit(self):
        for _ in range(20):
            c = self.login(3)
            c.ok("QUIT")
            c.close()

    def test_free_after_a_disconnect(self):
        for how in ("close", "half a line", "data on its way"):
            user = 4
            c = self.login(user)
            if how == "half a line":
                c.send("RET")
            elif how == "data on its way":
                with self.imap(user) as imap:
                    imap.append(message("big", "x" * 70 + "\r\n" * 100000))
                c.send("RETR 1\r\n" * 100)
            c.close()
            got = b""
            for _ in range(200 * SLOW):
                got = self.attempt(user)
                if got.startswith(b"+OK"):
                    break
            self.assertOk(got)

    def test_one_of_many(self):
        """Of sessions that come at once only one gets in."""
        got, ready = [], threading.Barrier(8)

        def one():
            with Client(self.server) as c:
                c.ok("USER " + self.server.users[1])
                ready.wait(20 * SLOW)
                got.append(c.cmd("PASS secret"))
                ready.wait(20 * SLOW)

        threads = [threading.Thread(target=one) for _ in range(8)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(len([x for x in got if x.startswith(b"+OK")]), 1, got)
        self.assertEqual(
            len([x for x in got if x.startswith(b"-ERR [IN-USE]")]), 7)


class WithoutLock(Case):
    settings = ("pop3.lock=false",)

    def test_two_sessions(self):
        user = self.fill(message("a"), message("b"))
        one, two = self.login(user), self.login(user)
        one.ok("DELE 1")
        two.ok("DELE 1")
        two.ok("DELE 2")
        one.quit()
        self.assertErr(two.cmd("RETR 1"))
        two.quit()
        self.assertEqual(self.login(user).cmd("STAT"), b"+OK 0 0")


class OfUser(Case):
    settings = ("limits.connections_per_user=1",)

    def test_too_many_connections(self):
        self.imap(0, box=None)
        c = self.connect()
        c.ok("USER " + self.server.users[0])
        self.assertErr(c.cmd("PASS secret"), "SYS/TEMP")
        self.login(1)


if __name__ == "__main__":
    unittest.main()
