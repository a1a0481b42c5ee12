#!/usr/bin/env python3
"""Runs test scripts (unittest modules), each in a process of its own, and adds
up what they say.

    run.py [-j N] [--timeout SECONDS] [--label TEXT] FILE...

Those that say "# Takes long." in a line of their own start first, so that none
of them is alone in the end. The last line is "N passed, N failed, N skipped".

On a machine that is busy otherwise a server may answer later than a test waits.
What fails beside others, if that is in three files at most, is tried once more
alone, and both results are told. Not so where the server crashed or a sanitizer
found something: that is a fault whenever it shows itself.
"""

import argparse
import concurrent.futures
import os
import re
import subprocess
import sys
import time

AGAIN_AT_MOST = 3  # files; more of them are no accident
NO_ACCIDENT = ("Sanitizer", "runtime error:", "posternd crashed")
SUPPORT = os.path.dirname(os.path.abspath(__file__))


def run_one(path, timeout):
    env = dict(os.environ)
    env["PYTHONPATH"] = SUPPORT + os.pathsep + os.path.dirname(
        os.path.abspath(path)) + os.pathsep + env.get("PYTHONPATH", "")
    env["PYTHONDONTWRITEBYTECODE"] = "1"
    begin = time.monotonic()
    # A group of its own, so that what a test leaves behind ends with it.
    p = subprocess.Popen([sys.executable, "-m", "unittest", "-v",
                          os.path.splitext(os.path.basename(path))[0]],
                         cwd=os.path.dirname(os.path.abspath(path)),
                         env=env, stdin=subprocess.DEVNULL,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                         start_new_session=True)
    try:
        out, _ = p.communicate(timeout=timeout)
        hung = False
    except subprocess.TimeoutExpired:
        os.killpg(p.pid, 9)
        out, _ = p.communicate()
        hung = True
    text = out.decode(errors="replace")
    ran = re.search(r"^Ran (\d+) tests?", text, re.M)
    total = int(ran.group(1)) if ran else 0

    def count(word):
        found = re.search(r"^(?:OK|FAILED) \(.*?\b%s=(\d+)" % word, text, re.M)
        return int(found.group(1)) if found else 0
    failed = count("failures") + count("errors")
    skipped = count("skipped")
    if hung or not ran or (p.returncode != 0 and failed == 0):
        failed += 1
        total += 1
    passed = max(0, total - failed - skipped)
    return path, passed, failed, skipped, time.monotonic() - begin, text, hung


def takes_long(path):
    with open(path) as f:
        return "# Takes long.\n" in f


def tell(label, result):
    path, passed, failed, skipped, took, text, hung = result
    print("%s %s: %d passed, %d failed, %d skipped (%.1f s)%s" % (
        label, os.path.relpath(path), passed, failed, skipped, took,
        " TIMEOUT" if hung else ""))
    if failed:
        print(text[-15000:])
    sys.stdout.flush()


def may_be_accident(result):
    return not any(word in result[5] for word in NO_ACCIDENT)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("-j", type=int, default=2)
    parser.add_argument("--timeout", type=int, default=300)
    parser.add_argument("--label", default="")
    parser.add_argument("file", nargs="*")
    args = parser.parse_args()
    results = []
    with concurrent.futures.ThreadPoolExecutor(args.j) as pool:
        files = sorted(args.file, key=takes_long, reverse=True)
        jobs = [pool.submit(run_one, f, args.timeout) for f in files]
        for job in concurrent.futures.as_completed(jobs):
            results.append(job.result())
            tell(args.label, results[-1])
    bad = [r for r in results if r[2]]
    if len(bad) <= AGAIN_AT_MOST:
        for first in filter(may_be_accident, bad):
            again = run_one(first[0], args.timeout)
            tell(args.label + " alone", again)
            if not again[2]:
                print("FAILED ONCE, and passed alone: %s" %
                      os.path.relpath(first[0]))
                results[results.index(first)] = again
    sums = [sum(r[i] for r in results) for i in (1, 2, 3)]
    print("%d passed, %d failed, %d skipped" % tuple(sums))
    sys.exit(1 if sums[1] else 0)


if __name__ == "__main__":
    main()
