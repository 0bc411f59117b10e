"""Measures: for each load so many rounds, in each of them cyclictest and the lane, in random order.

What cannot be measured is left out with a line that says why; nothing of it ends the rest.
"""
import random
import subprocess
import time

import fingerprint
from latency import cyclictest, grade, lane, loads
from latency.histogram import microseconds
from latency.options import off_the_core

SUBJECTS = ("cyclictest", "lane")
# Beyond its own time a round takes so long: starting, connecting, ending.
ROUND_MORE_S = 10


class Measurement:
    """A whole run as it grows. say: takes a line for people; save: takes result() after each load."""

    def __init__(self, options, wanted, say, save=None):
        self.options = options
        self.wanted = wanted
        self.say = say
        self.save = save
        self.remarks = []
        self.measurements = []
        self.loads = {}
        self.interrupted = False
        self.absent = set()

    def remark(self, text):
        if text not in self.remarks:
            self.remarks.append(text)
            self.say(f"note: {text}")

    def run(self):
        """-> self; on Ctrl-C with what there is by then."""
        why = lane.missing()
        if why:
            raise RuntimeError(why)
        if self.options.other_cpus == (self.options.cpu,):
            self.remark("there is one core only: the lane shares it with everything else")
        chance = random.Random(self.options.seed)
        self.doctor = grade.doctor(self.options.cpu)
        self.machine = fingerprint.take()
        try:
            with off_the_core(self.options), lane.Controls(self.options) as controls:
                for load in self.wanted:
                    self.under(load, controls, chance)
                    if self.save:
                        self.save(self.result())
        except KeyboardInterrupt:
            self.interrupted = True
            self.remark("interrupted: what had been measured by then is kept")
        return self

    def under(self, load, controls, chance):
        options = self.options
        seconds = options.rounds * len(SUBJECTS) * (options.seconds + ROUND_MORE_S)
        number = 0
        try:
            with loads.make(load, options, seconds) as running:
                self.loads[load] = {"command": " ".join(running.command)}
                for number in range(options.rounds):
                    order = list(SUBJECTS)
                    chance.shuffle(order)
                    for subject in order:
                        self.one(load, number, subject, controls, running)
                    running.check()
        except loads.Absent as why:
            self.loads.setdefault(load, {})["fault"] = str(why)
            self.remark(f"load {load}: {why}")
            # One that has ended has not been a load to the end of this round.
            last = [m for m in self.measurements if (m["load"], m["round"]) == (load, number)]
            if last:
                self.measurements = [m for m in self.measurements if m not in last]
                self.remark(f"load {load}: round {number + 1} is thrown away")

    def one(self, load, number, subject, controls, running):
        if subject in self.absent:
            return
        entry = {"load": load, "round": number, "subject": subject, "started_utc": time.time()}
        try:
            if subject == "lane":
                found = lane.run(controls, self.options.seconds, running.beside)
                histogram, line = found.histogram, found.time_line
                entry["started_utc"] = found.started_utc
                entry["lane"] = {
                    "scheduling": found.scheduling,
                    "shortfall": found.shortfall,
                    "dma_latency_held": found.dma_latency_held,
                    "counters": found.counters,
                }
                if found.counters["drivers_benched"]:
                    self.remark(f"load {load}: the lane has benched drivers, and did less work")
                if found.shortfall:
                    self.remark(f"the lane does without: {found.shortfall}")
            else:
                with lane.elsewhere(controls, running.beside):
                    histogram, line = cyclictest.run(self.options)
        except cyclictest.Absent as why:
            self.absent.add(subject)
            self.remark(f"{why}; there is nothing to compare the lane with")
            return
        except (RuntimeError, TimeoutError, subprocess.SubprocessError) as fault:
            self.remark(f"load {load}, round {number + 1}, {subject}: {fault}")
            return
        entry["histogram"] = histogram
        entry["time_line"] = line
        self.measurements.append(entry)
        self.say(f"{load:<12} round {number + 1} {subject:<10} {words(histogram)}")

    def result(self):
        """What is saved; see README.md for each field."""
        measured = self.measurements
        return {
            "kind": "run",
            "machine": self.machine,
            "doctor": self.doctor,
            "parameters": {**self.options.as_json(), "order": "random in each round, by the seed"},
            "loads": self.loads,
            "remarks": self.remarks,
            "interrupted": self.interrupted,
            "measurements": [{**m, "histogram": m["histogram"].as_json()} for m in measured],
        }


def words(histogram):
    values = microseconds(histogram)
    return "  ".join(f"{name} {value:.1f}" for name, value in values.items()) + " us"
