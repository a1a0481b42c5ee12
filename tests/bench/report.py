"""Results of a run: medians, ratios, the table."""

import os
import statistics

import cells as table


def seconds(v):
    return "%.3f" % v if v < 10 else "%.1f" % v


def ratio(peer, own):
    return peer / own if own else float("inf")


def short(v):
    if v >= 10000:
        return ">9999"  # of next to nothing
    return "%.1f" % v if v < 100 else "%.0f" % v


def percentile(values, p):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * p))]


class Results:
    """Of all cells, rounds and servers. The first server is Postern."""

    def __init__(self, servers):
        self.servers = servers
        self.runs = {}   # (cell, server): what the load generator told
        self.voids = {}  # (cell, server): why

    def add(self, cell, server, run):
        self.runs.setdefault((cell.name, server), []).append(run)

    def void(self, cell, server, why):
        self.voids[(cell.name, server)] = why

    def any_void(self):
        return bool(self.voids)

    def median(self, cell, server, key):
        values = [r[key] for r in self.runs.get((cell.name, server), [])
                  if key in r]
        return statistics.median(values) if values else None

    def waits(self, cell, server, which):
        return [w[which] for r in self.runs.get((cell.name, server), [])
                for w in r["waits_ms"]]

    def same_answers(self, cell):
        digests = {r["digest"] for s in self.servers
                   for r in self.runs.get((cell.name, s), [])
                   if "digest" in r}
        return len(digests) <= 1

    # --- the ratios ---

    def ratios(self, cell):
        """By figure; empty without a peer."""
        if "dovecot" not in self.servers:
            return {}
        own, peer = self.servers
        return {key: ratio(self.median(cell, peer, key),
                           self.median(cell, own, key))
                for key in ("wall", "cpu")}

    def verdict(self, cell, ratios):
        if not ratios:
            return ""
        low = [k for k in cell.by if ratios[k] < cell.aim]
        low += [k for k, v in cell.least.items() if ratios[k] < v]
        return "below: " + " ".join(low) if low else "reached"

    # --- text ---

    def row(self, cell):
        cols = []
        for server in self.servers:
            cols.append("%8s s %8s cpu" % (
                seconds(self.median(cell, server, "wall")),
                seconds(self.median(cell, server, "cpu"))))
        ratios = self.ratios(cell)
        if ratios:
            cols.append("ratio %6s wall %6s cpu" % (
                short(ratios["wall"]), short(ratios["cpu"])))
            cols.append("aim %-4g" % cell.aim)
        elif len(self.servers) == 1:
            cols.append("aim %-4g" % cell.aim)
        text = "%-21s %s" % (cell.name, " | ".join(cols))
        text += " " + self.verdict(cell, ratios)
        if not self.same_answers(cell):
            text += " (the answers differ)"
        return text

    def idle_row(self, name, values, unit, aim):
        """`values` by server, with one number or two each."""
        cols = [" ".join("%s %s" % (short(v) if v >= 10 else "%.2f" % v, u)
                         for v, u in zip(values[s], unit))
                for s in self.servers]
        verdict = ""
        if len(self.servers) > 1:
            r = [ratio(p, o) for o, p in zip(values[self.servers[0]],
                                             values[self.servers[1]])]
            cols.append("ratio " + " ".join(
                "%s %s" % (short(v), u) for v, u in zip(r, unit)))
            verdict = ("reached" if r[0] >= aim else "below: " + unit[0])
        cols.append("aim %d" % aim)
        return "%-21s %s %s" % (name, " | ".join(cols), verdict)

    def idle_rows(self, cell):
        memory = {}
        for s in self.servers:
            kernel = self.median(cell, s, "kernel")
            memory[s] = [self.median(cell, s, "pss") / 1024]
            if kernel is not None:
                memory[s].append(kernel / 1024)
        rows = [self.idle_row("idle-memory", memory,
                              ["KiB PSS", "KiB kernel"],
                              table.IDLE_MEMORY_AIM)]
        for which, name in enumerate(("idle-exists", "idle-exists-sent")):
            waits = {s: [statistics.median(self.waits(cell, s, which)),
                         percentile(self.waits(cell, s, which), 0.99)]
                     for s in self.servers}
            rows.append(self.idle_row(name, waits, ["ms median", "ms p99"],
                                      table.IDLE_WAIT_AIM))
        return rows

    def rows(self, cell):
        voids = [(s, self.voids[(cell.name, s)]) for s in self.servers
                 if (cell.name, s) in self.voids]
        if voids:
            return ["%-21s void: %s: %s" % (cell.name, s, why)
                    for s, why in voids]
        return self.idle_rows(cell) if cell.run == "idle" else [self.row(cell)]

    def print_table(self, to, chosen):
        print("%-21s %s" % ("cell", " | ".join(
            "%-21s" % s for s in self.servers)), file=to)
        for cell in chosen:
            for row in self.rows(cell):
                print(row, file=to)
        print("load average %.2f at the end, %d processors" % (
            os.getloadavg()[0], os.cpu_count()), file=to)
        to.flush()

    def as_json(self, chosen):
        return [{"cell": c.name, "aim": c.aim,
                 "void": {s: self.voids[(c.name, s)] for s in self.servers
                          if (c.name, s) in self.voids},
                 "runs": {s: self.runs.get((c.name, s), [])
                          for s in self.servers}} for c in chosen]


def print_large(results):
    """One line a step, the servers side by side."""
    names = list(results)
    for name in names:
        if "void" in results[name]:
            print("%s: void: %s" % (name, results[name]["void"]))
    good = [n for n in names if "void" not in results[n]]
    steps = list(dict.fromkeys(s for n in good for s in results[n]))
    print("%-18s %s" % ("step", " | ".join("%-24s" % n for n in good)))
    for step in steps:
        cols = []
        for name in good:
            v = results[name].get(step)
            if v is None:
                cols.append("%24s" % "-")
            elif isinstance(v, dict):
                cols.append("%9.4f s %9.4f cpu" % (v["wall"], v["cpu"]))
            else:
                cols.append("%20.1f MiB" % (v / 1048576))
        print("%-18s %s" % (step, " | ".join(cols)))
