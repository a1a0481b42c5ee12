"""The cells: what is measured on which mailbox, how often, and what is wanted.

Sizes are those of scale 1; `n` is scaled, `times` is not.
"""

# Users and their INBOXes.
SMALL = range(1, 101)   # 20 messages each
LIST = 101              # 100,000 messages
BODIES = 102            # 10,000 of 10 KiB
TEXTS = 103             # 20,000 of 10 KiB
CHANGES = 104           # 10,000
FRESH = 105             # 100,000, made anew for each round
LARGE = 106             # 1,000,000
APPENDS = range(111, 131)
USERS = 130

SMALL_COUNT = 20
LIST_COUNT = 100000
BODIES_COUNT = 10000
TEXTS_COUNT = 20000
CHANGES_COUNT = 10000
LARGE_COUNT = 1000000
BODY_OCTETS = 8700      # of text; with header and parts 10 KiB on average


class Cell:
    """`run` is the load generator's cell. `aim` is how many times less than
    the peer; `by` says which figures have to reach it."""

    def __init__(self, name, run, user, aim, by=("wall", "cpu"), times=1,
                 n=None, word=None, expect=None, restart=False, fresh=False,
                 connections=None, users=1, least=None, wait=None):
        self.name, self.run, self.user, self.aim = name, run, user, aim
        self.by, self.times, self.n, self.word = by, times, n, word
        self.expect, self.restart, self.fresh = expect, restart, fresh
        self.connections, self.users = connections, users
        self.wait = wait        # ms before a background index is begun
        self.least = least or {}  # what the other figures have to reach


CELLS = [
    Cell("login-select-logout", "login", SMALL[0], 5, by=("cpu",),
         times=1000, connections=10, users=100),
    Cell("fetch-envelope-warm", "envelopes", LIST, 3, n=LIST_COUNT),
    Cell("fetch-envelope-fresh", "envelopes", FRESH, 2, n=LIST_COUNT,
         fresh=True),
    Cell("fetch-body", "bodies", BODIES, 1.5, n=BODIES_COUNT, times=3),
    Cell("fetch-changedsince", "changedsince", LIST, 3, n=LIST_COUNT,
         times=200),
    Cell("select-qresync", "qresync", LIST, 3, n=LIST_COUNT, times=10,
         connections=100),
    Cell("store-flags", "store", CHANGES, 1.5, n=CHANGES_COUNT, times=3),
    Cell("append-4k-c20", "append", APPENDS[0], 2, by=("cpu",), n=4000,
         connections=20, users=20, least={"wall": 1}),
    Cell("search-subject", "search", LIST, 3, n=LIST_COUNT, times=5,
         word="UID SEARCH SUBJECT zeppelin", expect="subject"),
    Cell("search-from", "search", LIST, 3, n=LIST_COUNT, times=5,
         word="UID SEARCH FROM wanderley", expect="from"),
    Cell("search-text", "search", TEXTS, 20, n=TEXTS_COUNT,
         word="UID SEARCH TEXT quixotism", expect="text", wait=5000),
    Cell("sort-date", "search", LIST, 3, n=LIST_COUNT, times=5,
         word="UID SORT (DATE) UTF-8 ALL", expect="count"),
    Cell("sort-subject", "search", LIST, 3, n=LIST_COUNT, times=5,
         word="UID SORT (SUBJECT) UTF-8 ALL", expect="count"),
    Cell("thread-references", "search", LIST, 3, n=LIST_COUNT, times=5,
         word="UID THREAD REFERENCES UTF-8 ALL", expect="count"),
    Cell("copy", "copy", CHANGES, 2, n=CHANGES_COUNT, times=2),
    Cell("move", "move", CHANGES, 2, n=CHANGES_COUNT, times=2),
    Cell("idle", "idle", SMALL[0], None, times=40, connections=1000,
         users=100, restart=True),
]

# Those that are about the storage: `make bench-storage`.
STORAGE_CELLS = ("login-select-logout", "fetch-envelope-warm", "fetch-body",
                 "fetch-changedsince", "select-qresync", "store-flags",
                 "append-4k-c20", "search-subject", "search-text", "copy",
                 "move")

# What the idle cell's figures are shown as.
IDLE_MEMORY_AIM = 50
IDLE_WAIT_AIM = 100


def mailboxes(sizes):
    """What to prepare: first user, how many users, source, messages."""
    return [(SMALL[0], sizes["users"], "mixed", SMALL_COUNT),
            (LIST, 1, "mixed", sizes["list"]),
            (BODIES, 1, "bodies", sizes["bodies"]),
            (TEXTS, 1, "bodies", sizes["texts"]),
            (CHANGES, 1, "mixed", sizes["changes"])]
