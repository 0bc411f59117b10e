#!/usr/bin/python3
"""The command line: check, doctor, top, trace, help and exit codes."""
import json
import pathlib
import tempfile
import unittest

from common import LANE, harness

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
        self.assertEqual(text.returncode, 0)
        self.assertRegex(text.stdout, r"grade [A-F]")
        report = json.loads(self.plant.rise("doctor", "--json").stdout)
        self.assertIn(report["grade"], "ABCDF")
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
        done = self.plant.rise("top", "--region", "nobody", "--once")
        self.assertEqual(done.returncode, 1)
        self.assertIn("no core of that name runs", done.stderr)

    def test_help_everywhere(self):
        for command in ([], ["run"], ["top"], ["check"], ["doctor"], ["trace"], ["set"], ["stop"]):
            self.assertEqual(self.plant.rise(*command, "--help").returncode, 0, command)
        for program in ("rise-core", "rise-sidecar", "cncsim"):
            process = self.plant.start([harness.BIN / program, "--help"])
            self.assertEqual(process.wait(), 0)

    def test_bad_usage(self):
        self.assertGreaterEqual(self.plant.rise("nonsense").returncode, 64)
        self.assertGreaterEqual(self.plant.rise().returncode, 64)


if __name__ == "__main__":
    unittest.main()
