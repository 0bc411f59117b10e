#!/usr/bin/python3
"""The command line: check, doctor, top, trace, help and exit codes."""
import json
import pathlib
import tempfile
import time
import unittest

from common import LANE, harness

NO_CORE = 3

BAD = '''[core]
name = "Bad Name!"
histroy_s = 10
lock_memory = "yes"
[[lane]]
name = "main"
period_us = 100
overrun = "skipp"
[[lane]]
name = "main"
[[machine]]
name = "a"
lane = "mian"
driver = "focas"
[[machine]]
name = "b"
driver = "focas"
[[machine.limit]]
signal = "status.mod"
max = 1.0
[[machine.output]]
name = "o"
target = "macro.x"
min = 2.0
max = 1.0
[machine.focas]
endpoint = "127.0.0.1:99999"
reply_timout_ms = 5
[[machine.focas.group]]
name = "fast"
items = ["status", "positoin.absolute", "pmc.Q5", "status"]
[[machine]]
name = "c"
driver = "nosuch"
[machin]
'''
# line, key, words of the message
EXPECTED = (
    (2, "core.name", "a-z, 0-9"),
    (3, "core.histroy_s", "history_s"),
    (4, "core.lock_memory", "true or false"),
    (7, "lane.0.period_us", "125"),
    (8, "lane.0.overrun", '"skip"'),
    (10, "lane.1.name", "twice"),
    (13, "machine.0.lane", '"main"'),
    (19, "machine.1.limit.0.signal", "status.mode"),
    (23, "machine.1.output.0.target", "nothing that can be written"),
    (24, "machine.1.output.0.min", "greater than max"),
    (27, "machine.1.focas.endpoint", "host:port"),
    (28, "machine.1.focas.reply_timout_ms", "reply_timeout_ms"),
    (31, "machine.1.focas.group.0.items", "nothing that can be read"),
    (31, "machine.1.focas.group.0.items", "expected an area"),
    (31, "machine.1.focas.group.0.items", "twice"),
    (34, "machine.2.driver", "nosuch"),
    (35, "machin", "machine"),
)


class Check(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="rise-cli-")
        self.addCleanup(self.folder.cleanup)
        self.plant = harness.Plant("cli")
        self.addCleanup(self.plant.close)

    def file(self, text):
        path = pathlib.Path(self.folder.name) / "rise.toml"
        path.write_text(text)
        return path

    def test_all_faults_at_once_with_line_and_remedy(self):
        done = self.plant.rise("check", self.file(BAD))
        self.assertEqual(done.returncode, 2)
        for line, key, words in EXPECTED:
            self.assertTrue(
                any(
                    f":{line}: {key}" in text and words in text for text in done.stderr.splitlines()
                ),
                (line, key, words, done.stderr),
            )

    def test_json_says_the_same(self):
        done = self.plant.rise("check", "--json", self.file(BAD))
        self.assertEqual(done.returncode, 2)
        report = json.loads(done.stdout)
        self.assertFalse(report["good"])
        self.assertTrue(all("line" in fault for fault in report["faults"]), "faults, no sums")
        for line, key, _ in EXPECTED:
            self.assertTrue(
                any(
                    f.get("line") == line and f.get("key", "").startswith(key)
                    for f in report["faults"]
                ),
                (line, key),
            )

    def test_bad_config_starts_nothing(self):
        done = self.plant.rise("run", "--config", self.file(BAD))
        self.assertEqual(done.returncode, 2)
        core = self.plant.start([harness.BIN / "rise-core", "--config", self.file(BAD)])
        self.assertEqual(core.wait(), 2)
        self.assertIn("nothing started", core.output())
        self.assertEqual(list(pathlib.Path("/dev/shm").glob("rise.Bad*")), [])

    def test_syntax_error_names_its_line(self):
        done = self.plant.rise("check", self.file("[core]\nname = \n"))
        self.assertEqual(done.returncode, 2)
        self.assertIn(":2:", done.stderr)

    def test_file_that_is_not_there(self):
        done = self.plant.rise("check", "/nonexistent/rise.toml")
        self.assertEqual(done.returncode, 2)
        self.assertIn("No such file", done.stderr)

    def test_file_that_is_not_there_is_json_too(self):
        done = self.plant.rise("check", "/nonexistent/rise.toml", "--json")
        self.assertEqual(done.returncode, 2)
        report = json.loads(done.stdout)
        self.assertIs(report["good"], False)
        self.assertIn("No such file", report["faults"][0]["message"])

    def test_times_that_do_not_go_together(self):
        """Each is allowed by itself; together they would trip, time out or cut sessions."""
        text = harness.machine_toml("a", 1, period_ms=4, more="reply_timeout_ms = 14")
        text = text.replace('driver = "focas"', 'driver = "focas"\nmax_sample_age_ms = 3')
        done = self.plant.rise(
            "check", self.file("[core]\nstop_grace_ms = 213\n" + LANE + "period_us = 5000\n" + text)
        )
        self.assertEqual(done.returncode, 2)
        for line, key, words in (
            (2, "core.stop_grace_ms", "214 ms"),
            (10, "machine.0.max_sample_age_ms", "fastest group"),
            (14, "machine.0.focas.reply_timeout_ms", "3 cycles"),
            (19, "machine.0.focas.group.0.period_ms", "cycle of the lane"),
        ):
            self.assertTrue(
                any(f":{line}: {key}" in t and words in t for t in done.stderr.splitlines()),
                (line, key, words, done.stderr),
            )

    def test_every_line_says_whose_it_is(self):
        done = self.plant.rise("check")
        self.assertEqual(done.returncode, 0, done.stderr)
        core, simulator = done.stdout.splitlines()
        self.assertIn("3 machines on 1 lanes", core)
        self.assertRegex(simulator, r"^simulated controls \(built-in\): .*3 controls$")

    def test_good_news_of_one_are_not_among_the_faults_of_the_other(self):
        path = self.file("[simulator]\nenabled = true\n[core]\nname = 5\n")
        done = self.plant.rise("check", path)
        self.assertIn("3 controls", done.stdout)
        self.assertNotIn("3 controls", done.stderr)
        faults = json.loads(self.plant.rise("check", "--json", path).stdout)["faults"]
        self.assertFalse([f for f in faults if "3 controls" in f["message"]])

    def test_delivered_configs_are_fine(self):
        for path in [
            harness.ROOT / "config" / "rise.toml",
            *(harness.ROOT / "config" / "profiles").glob("*.toml"),
        ]:
            done = self.plant.rise("check", path)
            self.assertEqual(done.returncode, 0, done.stderr)

    def test_keys_lists_core_and_driver(self):
        done = self.plant.rise("check", "--keys")
        self.assertEqual(done.returncode, 0)
        for key in ("core.history_s", "lane.*.period_us", "machine.*.focas.endpoint"):
            self.assertIn(key, done.stdout)


class Tools(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.plant = harness.Plant("tools")
        cls.addClassCleanup(cls.plant.close)
        port = harness.free_ports(1)
        cls.plant.start_simulator(harness.control_toml("a", port))
        cls.plant.start_core(LANE + harness.machine_toml("a", port))
        cls.plant.wait_up()

    def test_doctor(self):
        text = self.plant.rise("doctor")
        self.assertRegex(text.stdout, r"grade [A-F]")
        as_json = self.plant.rise("doctor", "--json")
        report = json.loads(as_json.stdout)
        self.assertIn(report["grade"], "ABCDF")
        self.assertEqual([bar["worst_us"] for bar in report["bars"]], [20, 40, 50])
        for done in (text, as_json):
            self.assertEqual(done.returncode, 1 if report["grade"] == "F" else 0)
        ids = {f["id"] for f in report["findings"]}
        self.assertTrue({"preempt_rt", "isolcpus", "sched_fifo", "io_uring", "memlock"} <= ids)
        for finding in report["findings"]:
            self.assertTrue(finding["found"] and finding["why"], finding)
            if finding["verdict"] in ("warn", "fail"):
                self.assertTrue(finding["remedy"], finding)

    def test_top_once(self):
        done = self.plant.rise("top", "--region", self.plant.region, "--once")
        self.assertEqual(done.returncode, 0)
        for words in ("LANE", "MACHINE", "main", "a ", "axis.x"):
            self.assertIn(words, done.stdout)
        self.assertNotIn("\033", done.stdout, "no colour but on a terminal")

    def test_top_json_has_every_signal_with_unit_and_age(self):
        machine = self.plant.machine("a")
        position = machine["signals"]["axis.x.position"]
        self.assertEqual(position["unit"], "mm")
        self.assertTrue(position["valid"])
        self.assertLess(position["age_ns"], 5e9)
        self.assertIn("name", machine["signals"]["status.mode"])

    def test_top_json_has_whole_histograms_if_asked(self):
        words = ["top", "--region", self.plant.region, "--once", "--json"]
        done = self.plant.rise(*words, "--histograms")
        self.assertEqual(done.returncode, 0, done.stderr)
        view = json.loads(done.stdout)
        machine = view["machines"][0]
        found = [*view["lanes"][0]["histograms"].values(), machine["step"], machine["round_trip"]]
        self.assertGreater(view["lanes"][0]["histograms"]["wakeup"]["count"], 100)
        for histogram in found:
            buckets = histogram["buckets"]
            self.assertEqual(sum(count for _, _, count in buckets), histogram["count"])
            self.assertTrue(all(count > 0 for _, _, count in buckets))
            ends = [end for lowest, highest, _ in buckets for end in (lowest, highest)]
            self.assertEqual(ends, sorted(ends))
            for lowest, highest, _ in buckets:
                self.assertLessEqual(highest - lowest, lowest / 16)
            if not buckets:
                continue
            # What is recorded meanwhile may be in one of the two and not yet in the other one.
            self.assertLessEqual(buckets[-1][0], histogram["max_ns"])
            at = [lowest for lowest, highest, _ in buckets if lowest <= histogram["p50_ns"]][-1]
            below = sum(count for lowest, _, count in buckets if lowest < at)
            self.assertLessEqual(below, histogram["count"] / 2)

    def test_top_has_no_histograms_if_not_asked(self):
        lane = self.plant.view()["lanes"][0]
        self.assertNotIn("buckets", lane["histograms"]["wakeup"])
        self.assertIn("dma_latency_held", lane)
        done = self.plant.rise("top", "--region", self.plant.region, "--once", "--histograms")
        self.assertGreaterEqual(done.returncode, 64, "they are for --json only")

    def test_trace_is_a_chrome_trace(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "trace.json"
            done = self.plant.rise("trace", "--region", self.plant.region, file)
            self.assertEqual(done.returncode, 0, done.stderr)
            events = json.loads(file.read_text())["traceEvents"]
        spans = [e for e in events if e["ph"] == "X"]
        self.assertGreater(len(spans), 500)
        self.assertTrue({"step", "judge", "exchange", "publish", "a"} <= {e["name"] for e in spans})
        by_cycle = sorted(e["ts"] for e in spans if e["name"] == "step")
        gaps = [b - a for a, b in zip(by_cycle, by_cycle[1:])]
        self.assertGreater(min(gaps), 0, "cycles do not overlap")

    def test_no_core_is_an_error(self):
        for command in (
            ["top"],
            ["top", "--once", "--json"],
            ["trace"],
            ["arm", "all"],
            ["stop"],
            ["record"],
        ):
            done = self.plant.rise(command[0], "--region", "nobody", *command[1:])
            self.assertEqual(done.returncode, NO_CORE, command)
            self.assertIn("no core of that name runs", done.stderr)

    def test_help_everywhere(self):
        for command in (
            *([], ["run"], ["top"], ["check"], ["doctor"], ["trace"], ["set"], ["stop"]),
            *(["record"], ["record", "repair"], ["export"]),
        ):
            self.assertEqual(self.plant.rise(*command, "--help").returncode, 0, command)
        for program in ("rise-core", "rise-sidecar", "cncsim"):
            process = self.plant.start([harness.BIN / program, "--help"])
            self.assertEqual(process.wait(), 0)

    def test_bad_usage(self):
        self.assertGreaterEqual(self.plant.rise("nonsense").returncode, 64)
        self.assertGreaterEqual(self.plant.rise().returncode, 64)


SLOW = """
[[machine.focas.group]]
name = "slow"
period_ms = 4000
items = ["macro.500"]
"""


class SlowGroup(unittest.TestCase):
    def test_value_that_left_the_ring_is_still_shown(self):
        """The ring of 1 s holds a sample of the slow group for a part of its 4 s only."""
        plant = harness.Plant("slow")
        self.addCleanup(plant.close)
        port = harness.free_ports(1)
        plant.start_simulator(harness.control_toml("a", port))
        plant.tell("set a macro 500 42")
        machine = harness.machine_toml("a", port) + SLOW
        plant.start_core("history_s = 1\nstop_grace_ms = 1000\n" + LANE + machine)
        plant.wait_up()
        harness.wait_until(lambda: plant.signal("a", "macro.500")["valid"], 10, "a first sample")
        oldest_ns = 0
        end = time.monotonic() + 9
        while time.monotonic() < end:
            signal = plant.signal("a", "macro.500")
            self.assertTrue(signal["valid"])
            self.assertEqual(signal["value"], 42)
            oldest_ns = max(oldest_ns, signal["age_ns"])
        self.assertGreater(oldest_ns, 3e9, "it was looked at when it was long out of the ring")


if __name__ == "__main__":
    unittest.main()
