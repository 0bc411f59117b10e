#!/usr/bin/python3
"""The parts of the latency scripts: arithmetic by hand, judgements on planted changes, files."""
import json
import random
import unittest
import unittest.mock

from latency_script import InAFolder, call

from latency import bootstrap, compare, cyclictest, drift, grade, loads, measure, results
from latency.histogram import Histogram, together
from latency.options import Options


class Histograms(unittest.TestCase):
    BINS = [(0, 10, 5), (10, 20, 4), (20, 30, 1)]

    def test_percentiles_by_hand(self):
        histogram = Histogram(self.BINS, 25)
        self.assertEqual(histogram.count, 10)
        self.assertEqual(histogram.percentile(0.5), 10)
        self.assertEqual(histogram.percentile(0.7), 15)
        self.assertEqual(histogram.percentile(0.9), 20)
        # Nothing lies beyond the largest value: the last bin ends there.
        self.assertAlmostEqual(histogram.percentile(0.99), 20 + 0.9 * 5)
        self.assertEqual(histogram.percentile(1), 25)

    def test_an_empty_one_has_no_percentiles(self):
        self.assertIsNone(Histogram().percentile(0.5))
        self.assertEqual(Histogram([(0, 10, 0)]).bins, [])

    def test_what_is_above(self):
        self.assertEqual(Histogram(self.BINS).above(10), 5)
        self.assertEqual(Histogram(self.BINS).above(15), 1, "whole bins only")

    def test_what_has_come_since(self):
        before = Histogram([(0, 10, 2)], 9)
        fresh = Histogram([(0, 10, 3), (20, 30, 1)], 25).since(before)
        self.assertEqual(fresh.bins, [[0, 10, 1], [20, 30, 1]])
        self.assertEqual(fresh.max_ns, 25, "a new largest value is known exactly")
        old = Histogram([(0, 10, 2), (20, 30, 1)], 25)
        again = Histogram([(0, 10, 4), (20, 30, 1)], 25).since(old)
        self.assertEqual(again.max_ns, 10, "one that is not new: to the end of its bin")

    def test_several_together(self):
        whole = together([Histogram(self.BINS, 25), Histogram([(0, 10, 1)], 3)])
        self.assertEqual(whole.bins[0], [0, 10, 6])
        self.assertEqual(whole.max_ns, 25)

    def test_what_is_none_is_not_taken_for_one(self):
        for bad in (
            {},
            {"bins": 3, "max_ns": 1},
            {"bins": [[0, 10]], "max_ns": 1},
            {"bins": [[10, 0, 1]], "max_ns": 1},
            {"bins": [[0, 10, -1]], "max_ns": 1},
            {"bins": [[0, 10, 1], [5, 15, 1]], "max_ns": 1},
        ):
            with self.assertRaises(ValueError, msg=bad):
                Histogram.of_json(bad)


class Cyclictest(unittest.TestCase):
    SAID = """Max CPUs = 2
Thread 0 Interval: 1000
       0:     412:      31
       0:    1017:      44
# Histogram
000003 000002
000012 000005\t
000044 000001
# Min Latencies: 00003
# Avg Latencies: 00012
# Max Latencies: 00044
# Histogram Overflows: 00000
"""

    def test_histogram_and_time_line(self):
        histogram, line = cyclictest.parse(self.SAID)
        self.assertEqual(histogram.bins[0], [3000, 4000, 2])
        self.assertEqual(histogram.count, 8)
        self.assertEqual(histogram.max_ns // 1000, 44)
        self.assertEqual(line, [[1, 31], [2, 44]])

    def test_what_is_beyond_its_histogram_counts(self):
        said = self.SAID.replace("Max Latencies: 00044", "Max Latencies: 250000")
        histogram, _ = cyclictest.parse(said.replace("Overflows: 00000", "Overflows: 00002"))
        self.assertEqual(histogram.count, 10)
        self.assertEqual(histogram.max_ns // 1000, 250_000)
        self.assertGreater(histogram.percentile(0.95), 100_000_000)

    def test_words_that_are_not_understood(self):
        with self.assertRaises(cyclictest.Absent):
            cyclictest.parse("usage: something else\n")


class Bootstrap(unittest.TestCase):
    def rounds(self, seed, middle, count=7):
        chance = random.Random(seed)
        return [chance.gauss(middle, middle / 20) for _ in range(count)]

    def test_the_interval_of_one_run_by_hand(self):
        found = bootstrap.single([10, 10, 10, 10])
        self.assertEqual((found.value, found.low, found.high), (10, 10, 10))
        found = bootstrap.single([10, 11, 12, 13, 100])
        self.assertEqual(found.value, 12)
        self.assertEqual((found.low, found.high), (10, 100), "of five rounds: all of them")

    def test_it_is_wider_for_fewer_rounds(self):
        self.assertLess(bootstrap.tail(3), bootstrap.tail(10))
        self.assertLess(bootstrap.tail(10), bootstrap.tail(1000))
        self.assertAlmostEqual(bootstrap.tail(100_000), 0.025, places=3)

    def test_a_planted_change_is_found(self):
        found = bootstrap.change(self.rounds(1, 50), self.rounds(2, 65))
        self.assertGreater(found.low, 0)
        self.assertTrue(found.low < 0.3 < found.high, found.as_json())

    def test_where_nothing_has_changed_it_is_silent(self):
        many = bootstrap.RESAMPLES
        self.addCleanup(setattr, bootstrap, "RESAMPLES", many)
        bootstrap.RESAMPLES = 400
        alarms = 0
        for seed in range(100):
            found = bootstrap.change(self.rounds(seed, 50), self.rounds(seed + 1000, 50))
            alarms += not found.low <= 0 <= found.high
        self.assertLessEqual(alarms, 8, "of a hundred, at 95 %")

    def test_ratios_are_of_the_same_rounds(self):
        theirs = [10, 20, 40, 80, 160]
        found = bootstrap.ratio([2 * value for value in theirs], theirs)
        self.assertEqual((found.value, found.low, found.high), (2, 2, 2))


MACHINE = {"cpu": "a cpu", "cores": 2, "hypervisor": True, "product": "p", "kernel": "6.1"}
BARS = [
    {"worst_us": 20, "grade": "A", "whose": "x"},
    {"worst_us": 40, "grade": "B", "whose": "y"},
    {"worst_us": 50, "grade": "C", "whose": "z"},
]


def finding(verdict, vital=True):
    return {"id": "k", "verdict": verdict, "vital": vital, "found": "so", "remedy": "do"}


def doctor(*verdicts):
    return {"grade": "B", "bars": BARS, "findings": [finding(v) for v in verdicts]}


def made_up(seed, lane_us=50.0, rounds=7, **parameters):
    """A run whose lane has that median."""
    chance = random.Random(seed)
    entries = []
    for number in range(rounds):
        for subject, middle in (("cyclictest", 45.0), ("lane", lane_us)):
            counts = {}
            here = middle * chance.uniform(0.97, 1.03)
            for _ in range(500):
                us = int(here * chance.lognormvariate(0, 0.2))
                counts[us] = counts.get(us, 0) + 1
            bins = [(us * 1000, us * 1000 + 1000, n) for us, n in counts.items()]
            entry = {"load": "none", "round": number, "subject": subject}
            entry["histogram"] = Histogram(bins, max(counts) * 1000 + 999).as_json()
            entry.update(started_utc=1e9 + number, time_line=[[1, max(counts)]])
            entry["lane"] = {"scheduling": "fifo", "shortfall": ""}
            entries.append(entry)
    settings = {"period_us": 1000, "priority": 80, "machines": 8, "cpu": 1, "seconds": 10}
    return {
        "kind": "run",
        "machine": dict(MACHINE),
        "doctor": doctor("pass"),
        "parameters": {**settings, "rounds": rounds, **parameters},
        "loads": {"none": {"command": ""}},
        "remarks": [],
        "interrupted": False,
        "measurements": entries,
    }


class Compare(InAFolder):
    def compared(self, before, after, anyway=False):
        files = [self.saved(f"{i}.json", run) for i, run in enumerate((before, after))]
        return compare.Comparison(*map(results.read, files), anyway)

    def verdicts(self, found, what):
        return {row.name: row.verdict for row in found.rows if row.what == what}

    def test_a_planted_change_is_worse_and_the_other_way_round_better(self):
        slow, quick = made_up(1, 65), made_up(2, 50)
        worse = self.compared(quick, slow)
        self.assertEqual(self.verdicts(worse, "lane")["p50"], "worse")
        self.assertEqual(self.verdicts(worse, "ratio")["p50"], "worse")
        self.assertEqual(self.verdicts(worse, "cyclictest")["p50"], "none")
        self.assertTrue(worse.worse)
        better = self.compared(slow, quick)
        self.assertEqual(self.verdicts(better, "lane")["p50"], "better")
        self.assertFalse(better.worse)

    def test_two_of_the_same_are_no_evidence(self):
        found = self.compared(made_up(1), made_up(2))
        self.assertEqual({row.verdict for row in found.rows}, {"none"})

    def test_of_few_rounds_there_is_no_verdict(self):
        found = self.compared(made_up(1, 50, rounds=2), made_up(2, 90, rounds=2))
        self.assertEqual({row.verdict for row in found.rows}, {"none"})
        self.assertIn("no evidence (2 rounds)", "\n".join(found.lines()))

    def test_what_cannot_be_compared_is_refused(self):
        other = made_up(2)
        other["machine"]["cpu"] = "another cpu"
        ordinary = made_up(2)
        for entry in ordinary["measurements"]:
            entry["lane"]["scheduling"] = "ordinary"
        for after, words in (
            (made_up(2, period_us=500), "period_us 1000 and 500"),
            (made_up(2, priority=20), "priority 80 and 20"),
            (other, "other machines: cpu a cpu and another cpu"),
            (ordinary, "scheduling"),
        ):
            with self.assertRaisesRegex(compare.Refused, words):
                self.compared(made_up(1), after)
            found = self.compared(made_up(1), after, anyway=True)
            self.assertRegex("\n".join(found.warnings), f"NOT comparable: .*{words}")

    def test_what_else_has_changed_is_told(self):
        after = made_up(2)
        after["machine"]["kernel"] = "6.12"
        self.assertIn("changed: kernel: 6.1 -> 6.12", self.compared(made_up(1), after).lines())

    def test_largest_values_of_rounds_of_other_lengths_are_not_compared(self):
        found = self.compared(made_up(1), made_up(2, seconds=60))
        self.assertNotIn("max", self.verdicts(found, "lane"))
        self.assertIn("p99", self.verdicts(found, "lane"))

    def test_as_a_program(self):
        quick, slow = self.saved("a.json", made_up(1)), self.saved("b.json", made_up(2, 65))
        done = call("compare", quick, slow)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"none +lane +p50 .*worse")
        self.assertEqual(call("compare", quick, slow, "--check").returncode, 1)
        self.assertEqual(call("compare", slow, quick, "--check").returncode, 0)
        rows = json.loads(call("compare", quick, slow, "--json").stdout)["rows"]
        self.assertIn("worse", {row["verdict"] for row in rows})
        other = self.saved("c.json", made_up(2, period_us=500))
        done = call("compare", quick, other)
        self.assertEqual(done.returncode, 1)
        self.assertIn("not comparable: period_us 1000 and 500", done.stderr)


class Files(InAFolder):
    def bad(self, text, words):
        file = self.folder / "bad.json"
        file.write_text(text)
        with self.assertRaisesRegex(results.Bad, f"bad.json: .*{words}"):
            results.read(file)
        for verb in (["report"], ["compare", file]):
            done = call(*verb, file, *(["--out", self.folder / "p.html"] * (verb == ["report"])))
            self.assertEqual(done.returncode, 1)
            self.assertIn("bad.json", done.stderr)
            self.assertNotIn("Traceback", done.stderr)

    def test_damaged_and_foreign_files(self):
        whole = self.saved("good.json", made_up(1, rounds=1))
        self.assertEqual(results.read(whole)["kind"], "run")
        text = whole.read_text()
        self.bad(text[: len(text) // 2], "damaged, or no JSON")
        self.bad("[1, 2]", "not a file of the latency scripts")
        self.bad(text.replace('"version":1', '"version":2'), "version 2 of the format")
        self.bad(text.replace('"period_us"', '"period"'), "period_us is missing")

    def test_every_missing_field_is_named(self):
        good = json.loads(self.saved("good.json", made_up(1, rounds=1)).read_text())
        for key in ("kind", "machine", "doctor", "parameters", "loads", "remarks", "measurements"):
            broken = {k: v for k, v in good.items() if k != key}
            with self.assertRaisesRegex(results.Bad, f"{key} is missing"):
                (self.folder / "b.json").write_text(json.dumps(broken))
                results.read(self.folder / "b.json")
        for key in ("load", "round", "subject", "histogram", "time_line", "started_utc"):
            broken = json.loads(json.dumps(good))
            del broken["measurements"][1][key]
            (self.folder / "b.json").write_text(json.dumps(broken))
            with self.assertRaisesRegex(results.Bad, f"measurement 1: {key} is missing"):
                results.read(self.folder / "b.json")

    def test_a_file_that_is_not_there(self):
        with self.assertRaisesRegex(results.Bad, "cannot be read"):
            results.read(self.folder / "nothing.json")


class Drift(unittest.TestCase):
    LIMITS = {"warm_up_s": 60, "latency": 0.25, "memory_kib": 1024, "descriptors": 0}

    def samples(self, seed=1, leak_kib=0.0, slower=0.0, files=0.0, count=60):
        chance = random.Random(seed)
        out = []
        for i in range(count):
            p99 = chance.gauss(50, 5) * (1 + slower * i / count)
            # Beginning: connections are made, buffers grow.
            memory = 20_000 + leak_kib * i + chance.choice((0, 64, 128)) - (4000 if i == 0 else 0)
            sample = {"elapsed_s": 60.0 * (i + 1), "wakeup_p50_us": 20.0, "wakeup_p99_us": p99}
            sample.update(cycle_p99_us=chance.gauss(100, 5), core_memory_kib=memory)
            sample["core_descriptors"] = 24 + int(files * i) + (chance.random() < 0.1)
            out.append(sample)
        return out

    def drifted(self, *samples, **how):
        found = drift.judge(self.samples(*samples, **how), self.LIMITS)
        return {f["name"] for f in found if f["drifted"]}

    def test_noise_is_no_drift(self):
        for seed in range(10):
            self.assertEqual(self.drifted(seed), set())

    def test_each_planted_drift_is_found_and_nothing_else(self):
        self.assertEqual(self.drifted(leak_kib=64), {"core_memory_kib"})
        self.assertEqual(self.drifted(slower=0.8), {"wakeup_p99_us"})
        self.assertEqual(self.drifted(files=0.1), {"core_descriptors"})

    def test_growth_within_the_limit_is_told_but_no_drift(self):
        found = drift.judge(self.samples(leak_kib=8), self.LIMITS)
        memory = next(f for f in found if f["name"] == "core_memory_kib")
        self.assertFalse(memory["drifted"])
        self.assertGreater(memory["growth"]["low"], 0)

    def test_a_median_that_jumps_by_chance_is_no_drift(self):
        samples = self.samples(count=15)
        wild = [10, 200, 10, 200, 50] + [50] * 5 + [200, 10, 200, 200, 50]
        for sample, p99 in zip(samples, wild):
            sample.update(wakeup_p99_us=p99)
        found = drift.judge(samples, {**self.LIMITS, "warm_up_s": 0})
        p99 = next(f for f in found if f["name"] == "wakeup_p99_us")
        self.assertGreater(p99["growth"]["value"], 1)
        self.assertFalse(p99["drifted"])

    def test_what_grows_in_the_warm_up_only_is_no_drift(self):
        samples = self.samples()
        for i in range(25):
            samples[i]["core_memory_kib"] -= 1000 * (25 - i)
        for warm_up_s, drifted in ((25 * 60, False), (0, True)):
            found = drift.judge(samples, {**self.LIMITS, "warm_up_s": warm_up_s})
            memory = next(f for f in found if f["name"] == "core_memory_kib")
            self.assertEqual(memory["drifted"], drifted, warm_up_s)

    def test_too_short_for_a_verdict(self):
        with self.assertRaisesRegex(drift.TooShort, "12 are needed"):
            drift.judge(self.samples(count=10), self.LIMITS)

    def test_what_could_not_be_read_is_not_judged(self):
        samples = self.samples(files=1)
        samples[50]["core_descriptors"] = None
        names = {f["name"] for f in drift.judge(samples, self.LIMITS)}
        self.assertNotIn("core_descriptors", names)
        self.assertIn("core_memory_kib", names)


class Grade(unittest.TestCase):
    def letter(self, report, worst_us, how="fifo"):
        return grade.grade(report, {how}, worst_us)[0]

    def test_by_the_bars(self):
        for worst_us, letter in ((15, "A"), (20, "A"), (39, "B"), (50, "C"), (51, "D")):
            self.assertEqual(self.letter(doctor("pass"), worst_us), letter)

    def test_what_real_time_cannot_do_without_fails(self):
        self.assertEqual(self.letter(doctor("fail"), 5), "F")
        self.assertEqual(self.letter(doctor("pass"), 5, "ordinary"), "F")
        self.assertEqual(self.letter({"fault": "it does not start"}, 5), "F")
        self.assertEqual(self.letter(doctor("pass"), None), "F")
        self.assertEqual(self.letter(doctor("pass", "unknown"), 5), "D")

    def test_the_bars_are_those_of_the_doctor(self):
        found = grade.doctor()
        self.assertEqual([bar["worst_us"] for bar in found["bars"]], [20, 40, 50])
        self.assertEqual([bar["grade"] for bar in found["bars"]], ["A", "B", "C"])
        self.assertTrue(any(f["vital"] for f in found["findings"]))


class Loads(unittest.TestCase):
    def test_lists(self):
        self.assertEqual(loads.parse("cpu,io+cpu"), ["cpu", "io+cpu"])
        self.assertEqual(set(loads.parse("all")), set(loads.NAMES))
        for bad in ("", "gpu", "none+cpu", "cpu,,io"):
            with self.assertRaises(ValueError, msg=bad):
                loads.parse(bad)

    def test_one_that_ends_by_itself_costs_its_round(self):
        class Ends(loads.Nothing):
            rounds = 0

            def check(self):
                self.rounds += 1
                if self.rounds == 3:
                    raise loads.Absent("it has ended")

        said = []
        run = measure.Measurement(Options(rounds=5), ["cpu"], said.append)
        run.one = lambda load, number, subject, *_: run.measurements.append(
            {"load": load, "round": number, "subject": subject}
        )
        with unittest.mock.patch.object(loads, "make", lambda *_: Ends(None, 0)):
            run.under("cpu", None, random.Random(1))
        self.assertEqual([m["round"] for m in run.measurements], [0, 0, 1, 1])
        self.assertEqual(run.loads["cpu"]["fault"], "it has ended")
        self.assertIn("note: load cpu: round 3 is thrown away", said)


if __name__ == "__main__":
    unittest.main()
