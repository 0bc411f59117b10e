"""Confidence intervals by bootstrap over rounds: a round is what varies independently.

The cycles within a round hang together (the same interrupt, the same neighbour), so resampling them
would promise far too much. Of so few rounds the plain percentile interval does so as well. It is
widened as by Hesterberg, "What Teachers Should Know About the Bootstrap", The American
Statistician 69, 2015 ("expanded percentile interval"): the normal quantile is replaced by Student's
with n - 1 degrees of freedom, times sqrt(n / (n - 1)).
"""
import math
import random
import statistics

RESAMPLES = 2000
LEVEL = 0.95
# Fewer rounds than this leave an interval that says nothing.
ENOUGH_ROUNDS = 4

# Student's t, two-sided 95 %, 1 to 30 degrees of freedom.
STUDENT = (
    (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)
    + (2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086)
    + (2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042)
)


def tail(rounds):
    """The share that is cut off at either end of the resampled values."""
    if rounds < 2:
        return 0.0
    t = STUDENT[rounds - 2] if rounds - 2 < len(STUDENT) else 1.96
    return statistics.NormalDist().cdf(-t * math.sqrt(rounds / (rounds - 1)))


def interval(values, rounds):
    """(low, high) of resampled values of so many rounds."""
    ordered = sorted(values)
    cut = int(tail(rounds) * len(ordered))
    return ordered[cut], ordered[len(ordered) - 1 - cut]


class Estimate:
    """A value and the interval in which it lies; rounds: what it rests on."""

    def __init__(self, value, low, high, rounds):
        self.value, self.low, self.high, self.rounds = value, low, high, rounds

    @property
    def sound(self):
        return self.rounds >= ENOUGH_ROUNDS

    def as_json(self):
        return {"value": self.value, "low": self.low, "high": self.high, "rounds": self.rounds}


def paired(pairs, function):
    """function(first values, second values) over rounds that belong together."""
    chance = random.Random(1)
    value = function([a for a, _ in pairs], [b for _, b in pairs])
    found = []
    for _ in range(RESAMPLES if len(pairs) > 1 else 1):
        some = chance.choices(pairs, k=len(pairs))
        found.append(function([a for a, _ in some], [b for _, b in some]))
    return Estimate(value, *interval(found, len(pairs)), len(pairs))


def single(values):
    """The median over rounds."""
    return paired([(v, v) for v in values], lambda a, _: statistics.median(a))


def ratio_of_medians(above, below):
    return statistics.median(above) / max(statistics.median(below), 1e-3)


def ratio(above, below):
    """Of medians; the two were measured in the same rounds."""
    return paired(list(zip(above, below)), ratio_of_medians)


def change(before, after):
    """Relative change of the median from one run to another one; 0.1 is 10 % more. The rounds are
    pairs (above, below) whose ratio of medians counts, or plain values."""

    def of(rounds):
        if isinstance(rounds[0], tuple):
            return ratio_of_medians([a for a, _ in rounds], [b for _, b in rounds])
        return max(statistics.median(rounds), 1e-3)

    chance = random.Random(1)
    found = []
    for _ in range(RESAMPLES):
        old = of(chance.choices(before, k=len(before)))
        new = of(chance.choices(after, k=len(after)))
        found.append(new / old - 1)
    fewest = min(len(before), len(after))
    return Estimate(of(after) / of(before) - 1, *interval(found, fewest), fewest)
