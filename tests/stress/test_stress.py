"""Many clients with random commands on few mailboxes: each keeps a model and
finds nothing wrong; see stress.h. STRESS_SECONDS: how long, both times
together."""

import io
import os
import unittest

import stress

SECONDS = int(os.environ.get("STRESS_SECONDS", "15"))


class Stress(unittest.TestCase):
    def run_stress(self, **kw):
        out = io.StringIO()
        good = stress.run(max(SECONDS // 2, 1), out=out, **kw)
        self.assertTrue(good, out.getvalue()[-14000:])

    def test_alone(self):
        self.run_stress()

    def test_with_outsiders(self):
        self.run_stress(outsiders=True)


if __name__ == "__main__":
    unittest.main()
