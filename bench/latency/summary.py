"""The figures of a run, computed from its rounds each time: nothing derived is believed.

The value of a percentile is the median over the rounds of each round's own percentile; "worst" is
the largest value of all rounds together.
"""
from latency import bootstrap, grade
from latency.histogram import NAMES, microseconds, rests_on, together


class Load:
    """One load of a run: what its rounds say."""

    def __init__(self, name, entries):
        self.name = name
        self.rounds = {"cyclictest": {}, "lane": {}}
        self.histograms = {"cyclictest": [], "lane": []}
        self.lines = {"cyclictest": [], "lane": []}
        self.schedulings = set()
        for entry in entries:
            values = microseconds(entry["histogram"])
            if not values:
                continue
            subject = entry["subject"]
            self.rounds[subject][entry["round"]] = values
            self.histograms[subject].append(entry["histogram"])
            self.lines[subject].append((entry["started_utc"], entry["time_line"]))
            if subject == "lane":
                self.schedulings.add(entry["lane"]["scheduling"])

    def values(self, subject, name):
        """Of each round."""
        return [values[name] for _, values in sorted(self.rounds[subject].items())]

    def pairs(self, name):
        """(lane, cyclictest) of the rounds that have both."""
        ours, theirs = self.rounds["lane"], self.rounds["cyclictest"]
        return [(ours[n][name], theirs[n][name]) for n in sorted(ours) if n in theirs]

    def subjects(self):
        return [subject for subject in ("cyclictest", "lane") if self.rounds[subject]]

    def whole(self, subject):
        return together(self.histograms[subject])

    def worst(self, subject):
        """In us, or None."""
        values = self.values(subject, "max")
        return max(values) if values else None

    def estimate(self, subject, name):
        return bootstrap.single(self.values(subject, name))

    def ratio(self, name):
        """An Estimate, or None: there are no two to compare."""
        pairs = self.pairs(name)
        return bootstrap.ratio(*zip(*pairs)) if pairs else None

    def thin(self):
        """Percentiles that rest on fewer than ten values of a round."""
        few = set()
        for histograms in self.histograms.values():
            for histogram in histograms:
                few |= {n for n in NAMES if (rests_on(histogram.count, n) or 10) < 9.5}
        return [name for name in NAMES if name in few]


def loads_of(result):
    """All loads of a run that have rounds, in the order in which they were measured."""
    entries = {}
    for entry in result["measurements"]:
        entries.setdefault(entry["load"], []).append(entry)
    loads = [Load(name, some) for name, some in entries.items()]
    return [load for load in loads if load.subjects()]


def grade_of(result, loads):
    worst = [load.worst("lane") for load in loads if load.worst("lane") is not None]
    schedulings = set().union(*(load.schedulings for load in loads))
    return grade.grade(result["doctor"], schedulings, max(worst) if worst else None)


def ranged(estimate, digits=1):
    return f"{estimate.value:.{digits}f} [{estimate.low:.{digits}f} {estimate.high:.{digits}f}]"


def rows(load):
    """A table of a load: [subject, then a cell for each of NAMES, then the worst]."""
    out = []
    for subject in load.subjects():
        cells = [ranged(load.estimate(subject, name)) for name in NAMES]
        out.append([f"{subject} us", *cells, f"{load.worst(subject):.0f}"])
    if load.pairs("p50"):
        cells = [ranged(load.ratio(name), 2) for name in NAMES]
        out.append(["lane / cyclictest", *cells, ""])
    return out


HEAD = ["", *(f"{name} of a round" for name in NAMES), "worst"]


def warnings(load):
    """What a reader of the figures must know."""
    out = []
    fewest = min(len(load.rounds[subject]) for subject in load.subjects())
    if fewest < bootstrap.ENOUGH_ROUNDS:
        out.append(
            f"rounds: {fewest}; of fewer than {bootstrap.ENOUGH_ROUNDS} the intervals say nothing"
        )
    if load.thin():
        names = ", ".join(load.thin())
        out.append(f"fewer than 10 values of a round lie above its {names}: longer rounds")
    return out


def table(result):
    """The whole run in lines for people."""
    loads = loads_of(result)
    lines = []
    for load in loads:
        lines.append(f"load {load.name}")
        cells = [HEAD, *rows(load)]
        widths = [max(len(row[i]) for row in cells) for i in range(len(HEAD))]
        for row in cells:
            lines.append("  " + "  ".join(c.ljust(w) for c, w in zip(row, widths)).rstrip())
        lines += [f"  note: {words}" for words in warnings(load)]
    letter, why = grade_of(result, loads)
    lines.append(f"grade {letter}: {'; '.join(why)}")
    return lines
