"""cyclictest, the reference: the same period, priority and core as the lane.

The time line comes out of its own oscilloscope mode (-v -o N): after N cycles it prints the worst.
The measuring thread does one store more for that, into locked memory; its main thread, an
ordinary one on another core (--mainaffinity), reads them every 10 ms and prints a line per second.
Starting it anew each second would measure starts; its signal SIGUSR1 tells only the worst of all.
Without --mainaffinity that main thread would wake a hundred times a second on the core that is
measured. /dev/cpu_dma_latency is held at 0 by cyclictest itself.
"""
import re
import subprocess

from latency import lane, places
from latency.histogram import Histogram

import harness  # noqa: E402

LIMIT_US = 100_000  # bins of a microsecond; what is above is counted, too


class Absent(Exception):
    """It cannot be run here: why."""


def command(options):
    """options: seconds, period_us, priority, cpu, other_cpus."""
    cycles = max(1, round(1_000_000 / options.period_us))
    # -p 0 would not be taken at its word.
    how = ("-p", str(options.priority)) if options.priority else ("--policy=other",)
    return [
        places.tool("cyclictest") or "cyclictest",
        *("-m", "-t", "1", *how, "-i", str(options.period_us)),
        *("-a", str(options.cpu), "--mainaffinity", lane.listed(options.other_cpus)),
        *("-h", str(LIMIT_US), "-v", "-o", str(cycles), "-D", str(max(1, round(options.seconds)))),
    ]


def run(options):
    """-> (Histogram, time line: [seconds since the start, worst of the last second in us]).
    Absent: it cannot be run."""
    if places.tool("cyclictest") is None:
        raise Absent("cyclictest is not installed: scripts/setup latency, or apt install rt-tests")
    process = harness.Process(
        [*lane.on(options.all_cpus), *command(options)], {"LC_ALL": "C"}, "cyclictest"
    )
    try:
        code = process.wait(options.seconds + 60)
        said = process.output()
    except subprocess.TimeoutExpired:
        raise Absent("cyclictest does not end") from None
    finally:
        process.close()
    if code != 0:
        raise Absent(f"cyclictest does not run (exit code {code}): {' '.join(said.split())[:200]}")
    return parse(said)


def parse(text):
    bins = [
        (int(us) * 1000, (int(us) + 1) * 1000, int(count))
        for us, count in re.findall(r"^(\d+)\s+(\d+)\s*$", text, re.M)
        if int(count)
    ]
    worst = re.search(r"^# Max Latencies: (\d+)", text, re.M)
    over = re.search(r"^# Histogram Overflows: (\d+)", text, re.M)
    if worst is None or over is None:
        raise Absent("cyclictest says nothing that is understood; version 2 is needed")
    max_us = int(worst.group(1))
    if int(over.group(1)):
        top_us = max(max_us, LIMIT_US) + 1
        bins.append((LIMIT_US * 1000, top_us * 1000, int(over.group(1))))
    worst_us = re.findall(r"^ *0: *\d+: *(\d+)\s*$", text, re.M)
    line = [[float(second + 1), int(us)] for second, us in enumerate(worst_us)]
    # A value of n is anything from n to n + 1; the largest is told as it was told to us.
    return Histogram(bins, max_us * 1000 + 999), line
