"""Histograms of latencies, whatever the width of their bins; percentiles out of them.

A bin is [bottom_ns, top_ns, count]: so many values v with bottom_ns <= v < top_ns. cyclictest's are
a microsecond wide; the lane's are at most 1/16 of their value (rt_core/shm/histogram.hpp).
"""


class Histogram:
    """Bins in order, none of them empty; and the largest value itself, as far as it is known."""

    def __init__(self, bins=(), max_ns=0):
        self.bins = sorted([int(b), int(t), int(n)] for b, t, n in bins if n)
        self.max_ns = int(max_ns)

    @classmethod
    def of_json(cls, found):
        """Of what as_json() has made. ValueError: it is not that."""
        try:
            bins = [(int(b), int(t), int(n)) for b, t, n in found["bins"]]
            histogram = cls(bins, int(found["max_ns"]))
        except (KeyError, TypeError, ValueError) as fault:
            raise ValueError(f"no histogram: {fault!r}") from None
        last = 0
        for bottom, top, count in histogram.bins:
            if bottom < last or top <= bottom or count < 0:
                raise ValueError(f"no histogram: bin {[bottom, top, count]}")
            last = top
        return histogram

    def as_json(self):
        return {"count": self.count, "max_ns": self.max_ns, "bins": self.bins}

    @property
    def count(self):
        return sum(n for _, _, n in self.bins)

    def percentile(self, fraction):
        """The value in ns below which this share of all lies; within a bin they are taken to lie
        evenly. None if there are none."""
        wanted = self.count * fraction
        seen = 0
        for bottom, top, count in self.bins:
            if seen + count >= wanted:
                # Nothing lies above the largest value, wherever its bin ends.
                end = min(top, max(self.max_ns, bottom + 1)) if self.max_ns else top
                return bottom + (end - bottom) * (wanted - seen) / count
            seen += count
        return None

    def above(self, ns):
        """How many lie in bins that begin at ns or above."""
        return sum(n for bottom, _, n in self.bins if bottom >= ns)

    def since(self, earlier):
        """What has come since `earlier`, a look at the same histogram. The largest value is known
        exactly only if it is a new one; otherwise it is the end of its bin."""
        before = {(b, t): n for b, t, n in earlier.bins}
        bins = [(b, t, n - before.get((b, t), 0)) for b, t, n in self.bins]
        fresh = Histogram(bins)
        if fresh.bins:
            new = self.max_ns > earlier.max_ns
            fresh.max_ns = self.max_ns if new else min(self.max_ns, fresh.bins[-1][1])
        return fresh


def together(histograms):
    """One histogram of several with the same bins."""
    bins = {}
    max_ns = 0
    for histogram in histograms:
        max_ns = max(max_ns, histogram.max_ns)
        for bottom, top, count in histogram.bins:
            bins[(bottom, top)] = bins.get((bottom, top), 0) + count
    return Histogram([(b, t, n) for (b, t), n in bins.items()], max_ns)


# The statistics of a round: name, and what it is of its histogram, in us.
def microseconds(histogram):
    """{name: us} of a round; cyclictest tells whole microseconds, so the largest is cut to them."""
    if not histogram.count:
        return {}
    values = {name: histogram.percentile(f) / 1000 for name, f in FRACTIONS.items()}
    return {**values, "max": float(histogram.max_ns // 1000)}


FRACTIONS = {"p50": 0.5, "p99": 0.99, "p99.9": 0.999}
NAMES = (*FRACTIONS, "max")


def rests_on(count, name):
    """How many values of a round lie above that percentile: below ten it is mostly chance."""
    return count * (1 - FRACTIONS[name]) if name in FRACTIONS else None
