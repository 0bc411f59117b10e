"""What has changed from one run to another one: per load and percentile, with an interval.

A change has a verdict only if its interval leaves out zero, it is larger than a histogram can tell,
and there are rounds enough. Everything else is "no evidence", which is not "the same".
"""
from latency import bootstrap, summary
from latency.histogram import NAMES

# A bin of the lane's histogram is up to 1/16 wide, one of cyclictest's 1 us.
RESOLUTION = 1 / 16
RESOLUTION_US = 1.0

MUST_AGREE = ("period_us", "priority", "machines")
# Of another machine nothing can be learnt about a change of ours.
MACHINE = ("cpu", "cores", "hypervisor", "product")
# Changes of these are what a comparison is made for; they are told.
CIRCUMSTANCES = (
    *("machine", "microcode", "kernel", "preemption", "command_line", "isolated", "governor"),
    *("clocksource", "bios", "rt_runtime_us", "distribution", "revision"),
)
WORDS = {"worse": "worse", "better": "better", "none": "no evidence"}


class Refused(Exception):
    """The two cannot be compared: why."""


def scheduling(loads):
    return sorted(set().union(*(load.schedulings for load in loads)))


def fitness(before, after):
    """What speaks against comparing the two, and what one must know: (reasons, warnings)."""
    reasons, warnings = [], []
    old, new = before["parameters"], after["parameters"]
    for name in MUST_AGREE:
        if old[name] != new[name]:
            reasons.append(f"{name} {old[name]} and {new[name]}")
    hows = [scheduling(summary.loads_of(result)) for result in (before, after)]
    if hows[0] != hows[1]:
        reasons.append(f"the lanes' scheduling: {hows[0]} and {hows[1]}")
    for name in MACHINE:
        then, now = (result["machine"].get(name) for result in (before, after))
        if then != now:
            reasons.append(f"other machines: {name} {then} and {now}")
    for name in ("cpu", "seconds", "rounds"):
        if old.get(name) != new.get(name):
            warnings.append(f"{name} of the runs: {old.get(name)} and {new.get(name)}")
    if old["seconds"] != new["seconds"]:
        warnings.append("rounds of other lengths: their largest values are not compared")
    return reasons, warnings


def circumstances(before, after):
    """(name, then, now) of what else is different."""
    out = []
    for name in CIRCUMSTANCES:
        then, now = (result["machine"].get(name) for result in (before, after))
        if then != now:
            out.append((name, then, now))
    return out


class Row:
    """One figure in both runs."""

    def __init__(self, load, what, name, before, after, values):
        self.load, self.what, self.name = load, what, name
        self.before, self.after = before, after
        self.change = bootstrap.change(*values)

    @property
    def verdict(self):
        change = self.change
        small = abs(change.value) < RESOLUTION
        if self.what != "ratio":
            small = small or abs(self.after - self.before) < RESOLUTION_US
        if small or not change.sound or change.low <= 0 <= change.high:
            return "none"
        return "worse" if change.value > 0 else "better"

    def cells(self):
        change = self.change
        words = f"{100 * change.value:+.1f} % [{100 * change.low:+.1f} {100 * change.high:+.1f}]"
        digits = 2 if self.what == "ratio" else 1
        verdict = WORDS[self.verdict]
        if self.verdict == "none" and not change.sound:
            verdict += f" ({change.rounds} rounds)"
        values = [f"{value:.{digits}f}" for value in (self.before, self.after)]
        return [self.load, self.what, self.name, *values, words, verdict]

    def as_json(self):
        return {
            "load": self.load,
            "what": self.what,
            "name": self.name,
            "before": self.before,
            "after": self.after,
            "change": self.change.as_json(),
            "verdict": self.verdict,
        }


HEAD = ["load", "what", "", "before", "after", "change, 95 % interval", "verdict"]


def rows(before, after):
    old = {load.name: load for load in summary.loads_of(before)}
    new = {load.name: load for load in summary.loads_of(after)}
    same_length = before["parameters"]["seconds"] == after["parameters"]["seconds"]
    names = [name for name in NAMES if name != "max" or same_length]
    out = []
    for load in [name for name in old if name in new]:
        a, b = old[load], new[load]
        for subject in ("cyclictest", "lane"):
            if not a.rounds[subject] or not b.rounds[subject]:
                continue
            for name in names:
                both = a.values(subject, name), b.values(subject, name)
                middle = [bootstrap.statistics.median(values) for values in both]
                out.append(Row(load, subject, name, *middle, both))
        for name in names:
            both = a.pairs(name), b.pairs(name)
            if all(both):
                middle = [bootstrap.ratio_of_medians(*zip(*pairs)) for pairs in both]
                out.append(Row(load, "ratio", name, *middle, both))
    return out


class Comparison:
    """Refused: the runs cannot be compared; anyway: they are all the same, with a warning."""

    def __init__(self, before, after, anyway=False):
        reasons, self.warnings = fitness(before, after)
        if reasons and not anyway:
            raise Refused("; ".join(reasons))
        self.warnings = [f"NOT comparable: {reason}" for reason in reasons] + self.warnings
        self.circumstances = circumstances(before, after)
        self.rows = rows(before, after)
        if not self.rows:
            raise Refused("no load was measured in both")
        loads = [set(result["loads"]) for result in (before, after)]
        for name in sorted(loads[0] ^ loads[1]):
            self.warnings.append(f"load {name} is in one of the runs only")

    @property
    def worse(self):
        """Of the lane, or of its ratio: what cyclictest does alone is none of our doing."""
        return [r for r in self.rows if r.verdict == "worse" and r.what != "cyclictest"]

    def lines(self):
        out = [f"warning: {words}" for words in self.warnings]
        for name, then, now in self.circumstances:
            out.append(f"changed: {name}: {then} -> {now}")
        cells = [HEAD, *(row.cells() for row in self.rows)]
        widths = [max(len(row[i]) for row in cells) for i in range(len(HEAD))]
        for row in cells:
            out.append("  ".join(c.ljust(w) for c, w in zip(row, widths)).rstrip())
        counts = {v: sum(r.verdict == v for r in self.rows) for v in WORDS}
        out.append(", ".join(f"{counts[v]} {words}" for v, words in WORDS.items()))
        return out

    def as_json(self):
        return {
            "warnings": self.warnings,
            "changed": [{"what": n, "before": a, "after": b} for n, a, b in self.circumstances],
            "rows": [row.as_json() for row in self.rows],
        }
