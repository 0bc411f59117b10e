#!/usr/bin/python3
"""The latency scripts for real: short runs, soaks, and what machines with little make of them."""
import importlib.util
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
import xml.etree.ElementTree

from common import LANE, harness, needs_root, without_realtime
from latency_script import SCRIPT, InAFolder, call

from latency import grade, results

TOOLS = ("cyclictest", "stress-ng")


class Usage(unittest.TestCase):
    def test_bad_usage(self):
        for words in ([], ["dance"], ["run", "--load", "gpu"], ["run", "--rounds", "0"]):
            self.assertEqual(call(*words).returncode, 64, words)
        self.assertEqual(call("soak", "--hours", "1", "--load", "cpu,io").returncode, 64)
        self.assertEqual(call("--help").returncode, 0)

    def test_through_the_command_line(self):
        rise = harness.BIN / "rise"
        for words in (["--help"], ["run", "--help"], ["compare", "--help"]):
            done = subprocess.run([rise, "bench", *words], capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("usage: rise bench", done.stdout)
        done = subprocess.run([rise, "bench", "dance"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 64)


def lacking():
    absent = [tool for tool in TOOLS if shutil.which(tool) is None]
    absent += [] if importlib.util.find_spec("matplotlib") else ["python3-matplotlib"]
    return f"not installed: {', '.join(absent)}" if absent else ""


@unittest.skipIf(lacking(), lacking())
class EndToEnd(unittest.TestCase):
    """Two rounds of a second under one load; then everything that is made of them."""

    @classmethod
    def setUpClass(cls):
        made = tempfile.TemporaryDirectory(prefix="rise-latency-")
        cls.addClassCleanup(made.cleanup)
        cls.folder = pathlib.Path(made.name)
        cls.file = cls.folder / "run.json"
        words = ["--load", "cpu", "--rounds", 2, "--seconds", 1, "--machines", 2]
        cls.done = call("run", *words, "--out", cls.file, "--plots", cls.folder / "plots")

    def setUp(self):
        self.assertEqual(self.done.returncode, 0, self.done.stdout + self.done.stderr)

    def entries(self, subject):
        measured = results.read(self.file)["measurements"]
        return [entry for entry in measured if entry["subject"] == subject]

    def test_both_were_measured_with_the_same(self):
        if "cyclictest does not run" in self.done.stdout:
            self.skipTest("cyclictest may not run here")
        for subject in ("cyclictest", "lane"):
            entries = self.entries(subject)
            self.assertEqual(sorted(entry["round"] for entry in entries), [0, 1])
            for entry in entries:
                self.assertGreater(entry["histogram"].count, 300, subject)
                self.assertGreater(entry["histogram"].max_ns, 0)
        for entry in self.entries("lane"):
            worst_us = entry["histogram"].max_ns // 1000
            self.assertEqual(max(us for _, us in entry["time_line"]), worst_us)
            self.assertTrue(entry["lane"]["dma_latency_held"] or entry["lane"]["shortfall"])
            self.assertGreater(entry["lane"]["counters"]["cycles"], 300)
            self.assertGreater(entry["lane"]["counters"]["samples"], 20, "machines were swept")
        self.assertRegex(self.done.stdout, r"lane / cyclictest +\d")

    def test_machine_load_and_grade_are_told(self):
        result = results.read(self.file)
        for key in ("cpu", "kernel", "command_line", "microcode", "bios", "preemption"):
            self.assertIn(key, result["machine"])
        self.assertIn("stress-ng", result["loads"]["cpu"]["command"])
        self.assertRegex(self.done.stdout, r"(?m)^grade [ABCDF]: ")
        if grade.doctor()["grade"] == "F":
            self.assertRegex(self.done.stdout, r"(?m)^grade F: ")

    def test_the_order_is_that_of_the_seed(self):
        chance = random.Random(1)
        expected = []
        for number in range(2):
            order = ["cyclictest", "lane"]
            chance.shuffle(order)
            expected += [(number, subject) for subject in order]
        measured = results.read(self.file)["measurements"]
        self.assertEqual([(m["round"], m["subject"]) for m in measured], expected)

    def test_plots(self):
        for kind in ("histogram", "time-line", "cumulative"):
            drawn = xml.etree.ElementTree.parse(self.folder / "plots" / f"{kind}-cpu.svg")
            text = "".join(drawn.getroot().itertext())
            self.assertIn("lane", text)
            self.assertIn("latency in us", text)
            png = (self.folder / "plots" / f"{kind}-cpu.png").read_bytes()
            self.assertEqual(png[:8], b"\x89PNG\r\n\x1a\n")
            self.assertGreater(len(png), 5000)

    def test_report_is_one_page_that_fetches_nothing(self):
        page = self.folder / "report.html"
        other = self.folder / "other <b>.json"
        shutil.copy(self.file, other)
        done = subprocess.run(
            [harness.BIN / "rise", "bench", "report", self.file, other, "--out", page],
            capture_output=True,
            text=True,
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        text = page.read_text()
        self.assertEqual(text.count("<svg"), 6)
        self.assertIsNone(re.search(r'(src|href)="(?!#)|@import|url\((?!#)', text))
        self.assertIn("other &lt;b&gt;.json", text, "what a file brings is text")
        self.assertNotIn("<b>", text)
        self.assertIn("Against ", text)
        names = re.findall(r'<[^>]* id="([^"]+)"', text)
        self.assertEqual(len(names), len(set(names)), "no name twice")

    def test_a_run_beside_itself(self):
        done = call("compare", self.file, self.file)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("0 worse, 0 better", done.stdout)


class WithLittle(InAFolder):
    """Machines without real time, tools, or a second core: a line for each, no crash."""

    def test_without_tools_and_with_one_core(self):
        tools = self.folder / "bin"
        tools.mkdir()
        for name in ("taskset", "sh"):
            (tools / name).symlink_to(shutil.which(name))
        broken = self.folder / "python" / "matplotlib"
        broken.mkdir(parents=True)
        (broken / "__init__.py").write_text("raise ImportError\n")
        file = self.folder / "run.json"
        cpu = max(os.sched_getaffinity(0))
        words = ["--load", "none,io", "--rounds", 1, "--seconds", 1, "--machines", 1]
        words += ["--cpu", cpu, "--out", file, "--plots", self.folder / "plots"]
        done = call(
            *("run", *words),
            env={"PATH": str(tools), "PYTHONPATH": str(broken.parent)},
            prefix=[shutil.which("taskset"), "-c", str(cpu)],
        )
        said = done.stdout + done.stderr
        self.assertEqual(done.returncode, 0, said)
        for words in (
            "note: there is one core only",
            "note: cyclictest is not installed",
            "note: load io: stress-ng is not installed",
            "note: no plots: matplotlib is not installed",
        ):
            self.assertEqual(said.count(words), 1, said)
        self.assertRegex(said, r"(?m)^grade [A-F]: ")
        self.assertNotIn("Traceback", said)
        measured = results.read(file)["measurements"]
        self.assertEqual([m["subject"] for m in measured], ["lane"])
        self.assertEqual(call("report", file, "--out", self.folder / "p.html").returncode, 0)

    @needs_root
    def test_without_any_permission_for_real_time(self):
        self.folder.chmod(0o777)
        prefix = without_realtime()
        if subprocess.run([*prefix, "test", "-x", SCRIPT]).returncode != 0:
            self.skipTest("this folder cannot be read by another user")
        file = self.folder / "run.json"
        words = ["run", "--rounds", 1, "--seconds", 1, "--machines", 1, "--out", file]
        done = call(*words, prefix=prefix, env={"HOME": str(self.folder)})
        said = done.stdout + done.stderr
        self.assertEqual(done.returncode, 0, said)
        self.assertRegex(said, r"(?m)^grade F: .*the lane had no SCHED_FIFO")
        if shutil.which("cyclictest"):
            self.assertIn("note: cyclictest does not run", said)
        self.assertIn("note: the lane does without: ", said)
        self.assertNotIn("Traceback", said)
        lane = results.read(file)["measurements"][0]["lane"]
        self.assertEqual(lane["scheduling"], "ordinary")


class Installed(InAFolder):
    def test_as_a_package_lays_it_out(self):
        prefix = self.folder / "usr"
        tree = prefix / "lib" / "rise"
        for name in ("scripts/latency", "bench/fingerprint.py", "bench/figures.py"):
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(harness.ROOT / name, tree / name)
        (tree / "tests").mkdir()
        shutil.copy(harness.ROOT / "tests/harness.py", tree / "tests")
        shutil.copytree(harness.ROOT / "bench/latency", tree / "bench/latency")
        shutil.copytree(harness.OUT / "lib/rise/drivers", tree / "drivers")
        (prefix / "bin").mkdir()
        for name in ("rise", "rise-core", "rise-sidecar", "cncsim"):
            shutil.copy(harness.BIN / name, prefix / "bin")
        file = self.folder / "run.json"
        environment = {k: v for k, v in os.environ.items() if k != "OUT"}
        for command in (
            [tree / "scripts/latency", "run", "--rounds", "1", "--seconds", "1", "--out", file],
            [prefix / "bin/rise", "bench", "compare", file, file],
        ):
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=60, env=environment, cwd=prefix
            )
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("0 worse", done.stdout)
        (prefix / "bin/rise-core").unlink()
        done = subprocess.run(
            [prefix / "bin/rise", "bench", "run"], capture_output=True, text=True, env=environment
        )
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"not there: {prefix}/bin/rise-core", done.stderr)


def forget(region):
    """A core that was killed leaves its region to the next one of its name; there is none."""
    for left in pathlib.Path("/dev/shm").glob(f"rise.{region}.*"):
        left.unlink()


class Soak(InAFolder):
    def test_a_steady_plant_has_no_drift(self):
        file = self.folder / "soak.json"
        # The machine may get slower within seconds; memory and files may not.
        words = ["--hours", 8 / 3600, "--interval-s", 0.4, "--warm-up-s", 1.5, "--machines", 2]
        done = call("soak", *words, "--max-latency-drift", 1e6, "--out", file)
        said = done.stdout + done.stderr
        self.assertEqual(done.returncode, 0, said)
        self.assertIn("nothing has drifted", said)
        result = results.read(file, ("soak",))
        names = {finding["name"] for finding in result["findings"]}
        wanted = {"core_memory_kib", "sidecar_memory_kib", "core_descriptors", "wakeup_p99_us"}
        self.assertLessEqual(wanted, names)
        self.assertGreater(result["samples"][-1]["core_memory_kib"], 1000)
        page = self.folder / "page.html"
        self.assertEqual(call("report", file, "--out", page).returncode, 0)
        self.assertIn("steady memory", re.sub(r" +", " ", page.read_text()))
        with self.assertRaisesRegex(results.Bad, "a soak; wanted: run"):
            results.read(file, ("run",))

    def test_what_a_driver_hoards_is_found_and_so_is_the_end_of_the_core(self):
        plant = harness.Plant("hoards")
        self.addCleanup(forget, plant.region)
        self.addCleanup(plant.close)
        drivers = plant.folder / "drivers"
        drivers.mkdir()
        shutil.copy(harness.OUT / "tests" / "drivers" / "hoards.so", drivers)
        plant.start_core(
            f'driver_path = "{drivers}"\n{LANE}seal = "off"\nbench_after = 0\n'
            '[[machine]]\nname = "bad"\ndriver = "hoards"\n'
        )
        file = self.folder / "soak.json"
        words = ["soak", "--region", plant.region, "--hours", 0.1, "--interval-s", 0.35]
        words += ["--warm-up-s", 0.5, "--max-latency-drift", 1e6, "--out", file]
        soak = plant.start([SCRIPT, *words], {"OUT": str(harness.OUT)}, "soak")
        harness.wait_until(lambda: soak.output().count(" s  wake-up") > 15, 30, "samples")
        self.assertTrue(plant.core.alive())
        plant.core.stop(signal.SIGKILL)
        self.assertEqual(soak.wait(20), 1)
        said = soak.output()
        self.assertRegex(said, r"(?m)^DRIFT +memory +core_memory_kib")
        self.assertRegex(said, r"(?m)^DRIFT +file descriptors +core_descriptors")
        self.assertIn("drifted: file descriptors, memory", said)
        self.assertIn("the core has ended after", said)
        findings = results.read(file)["findings"]
        self.assertEqual(
            {f["what"] for f in findings if f["drifted"]}, {"memory", "file descriptors"}
        )

    def test_no_core_to_look_at(self):
        done = call("soak", "--region", "nobody", "--hours", 1, "--out", self.folder / "s")
        self.assertEqual(done.returncode, 1)
        self.assertIn('no core "nobody" runs', done.stderr)

    def test_one_that_is_too_short_is_not_begun(self):
        done = call("soak", "--hours", 0.1, "--out", self.folder / "s")
        self.assertEqual(done.returncode, 1)
        self.assertIn("5 samples after the warm-up would give no verdict", done.stderr)


class Ended(InAFolder):
    def test_told_to_end_it_leaves_nothing_behind(self):
        file = self.folder / "run.json"
        words = ["run", "--rounds", "5", "--seconds", "60", "--machines", "1", "--out", str(file)]
        process = harness.Process([SCRIPT, *words], {"OUT": str(harness.OUT)}, "latency")
        self.addCleanup(process.close)

        def children():
            out = []
            for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
                try:
                    parent = int(stat.read_text().rsplit(")", 1)[1].split()[1])
                except OSError:
                    continue
                out += [int(stat.parent.name)] if parent == process.pid else []
            return out

        harness.wait_until(lambda: len(children()) >= 2, 20, "it measures")
        time.sleep(0.5)
        started = children()
        process.process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(20), 1, process.output())
        self.assertIn("interrupted: what had been measured by then is kept", process.output())
        self.assertTrue(results.read(file)["interrupted"])
        for pid in started:
            self.assertFalse(pathlib.Path(f"/proc/{pid}").exists(), pid)
        self.assertEqual(list(pathlib.Path("/dev/shm").glob(f"rise.latency-{process.pid}*")), [])


if __name__ == "__main__":
    unittest.main()
