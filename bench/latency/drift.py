"""Does something grow in a long run? The late part beside the early part, warm-up left out.

After the warm-up the samples are cut into thirds; the last third is held against the first one. A
quantity drifts if its median has grown beyond the limit and the interval of the growth leaves out
zero: noise alone does neither.
"""
import random
import statistics

from latency import bootstrap

# Fewer samples in a third than this, and there is no verdict.
ENOUGH = 4

# sample key, words, how growth is measured, which limit
LATENCIES = ("wakeup_p50_us", "wakeup_p99_us", "cycle_p99_us")
MEMORY = ("core_memory_kib", "sidecar_memory_kib")
DESCRIPTORS = ("core_descriptors", "sidecar_descriptors")


class TooShort(Exception):
    """No verdict can be had: why."""


def parts(samples, warm_up_s):
    """(early, late) thirds of what comes after the warm-up."""
    rest = [s for s in samples if s["elapsed_s"] > warm_up_s]
    third = len(rest) // 3
    if third < ENOUGH:
        raise TooShort(
            f"{len(rest)} samples after the warm-up of {warm_up_s:g} s, {3 * ENOUGH} are needed: "
            "a longer soak, or a shorter --interval-s"
        )
    return rest[:third], rest[-third:]


def growth(early, late, relative):
    """An Estimate of what the median has grown by; relative: as a share of what it was."""

    def of(a, b):
        more = statistics.median(b) - statistics.median(a)
        return more / max(statistics.median(a), 1e-9) if relative else more

    chance = random.Random(1)
    found = [
        of(chance.choices(early, k=len(early)), chance.choices(late, k=len(late)))
        for _ in range(bootstrap.RESAMPLES)
    ]
    fewest = min(len(early), len(late))
    low, high = bootstrap.interval(found, fewest)
    return bootstrap.Estimate(of(early, late), low, high, fewest)


def judge(samples, limits):
    """limits: warm_up_s, latency (a share), memory_kib, descriptors. -> findings, one for each
    quantity that was there all the time."""
    early, late = parts(samples, limits["warm_up_s"])
    findings = []
    wanted = [(name, True, limits["latency"], "latency") for name in LATENCIES]
    wanted += [(name, False, limits["memory_kib"], "memory") for name in MEMORY]
    wanted += [(name, False, limits["descriptors"], "file descriptors") for name in DESCRIPTORS]
    for name, relative, limit, what in wanted:
        values = [[s.get(name) for s in part] for part in (early, late)]
        if any(value is None for part in values for value in part):
            continue
        estimate = growth(*values, relative)
        findings.append(
            {
                "what": what,
                "name": name,
                "early": statistics.median(values[0]),
                "late": statistics.median(values[1]),
                "growth": estimate.as_json(),
                "relative": relative,
                "limit": limit,
                "drifted": estimate.value > limit and estimate.low > 0,
            }
        )
    return findings


def words(finding):
    """One line of it for people."""
    g = finding["growth"]
    values = [g["value"], g["low"], g["high"], finding["limit"]]
    if finding["relative"]:
        shown = ["{:+.1f} %".format(100 * v) for v in values]
    else:
        shown = [f"{v:+.0f}" for v in values]
    verdict = "DRIFT" if finding["drifted"] else "steady"
    return (
        f"{verdict:<6} {finding['what']:<16} {finding['name']:<20} "
        f"{finding['early']:.1f} -> {finding['late']:.1f}"
        f"  {shown[0]} [{shown[1]} {shown[2]}], limit {shown[3]}"
    )
