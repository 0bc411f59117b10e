#!/usr/bin/python3
"""`rise trace --kernel`: a late cycle, and what the kernel did around it."""
import json
import os
import shutil
import subprocess
import unittest

from common import harness, needs_root, without_realtime

CPU = max(os.sched_getaffinity(0))
LANE = (
    f'[[lane]]\nname = "main"\nperiod_us = 2000\ncpu = {CPU}\n'
    "bench_after = 0\nstuck_after = 0\ntrip_after = 0\n"
)
FAILED, NOTHING = 1, 2
# tracefs, for a shell of its own; this kernel may have none.
LOOK = "mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null; ls /sys/kernel/tracing/instances"


def instances():
    """Those of the kernel's tracing, or None: there is none to be had."""
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", LOOK], capture_output=True, text=True, timeout=20
    )
    return done.stdout.split() if done.returncode == 0 else None


@needs_root
class KernelTrace(unittest.TestCase):
    def setUp(self):
        if instances() is None:
            self.skipTest("this kernel's tracing (tracefs) cannot be had")
        self.plant = harness.Plant("trace")
        self.addCleanup(self.plant.close)
        self.file = self.plant.folder / "late.json"

    def start(self, how, after, period_us=2000):
        drivers = self.plant.folder / "drivers"
        drivers.mkdir()
        shutil.copy(harness.OUT / "tests" / "drivers" / "misbehaves.so", drivers)
        machine = '[[machine]]\nname = "bad"\ndriver = "misbehaves"\n[machine.misbehaves]\n'
        machine += f'how = "{how}"\nafter = {after}\n'
        lane = LANE.replace("2000", str(period_us))
        self.plant.start_core(f'driver_path = "{drivers}"\n{lane}{machine}')

    def trace(self, *arguments):
        words = ["trace", "--region", self.plant.region, "--kernel", *arguments, self.file]
        return self.plant.rise(*words, timeout=40)

    def test_the_kernel_is_beside_the_lane(self):
        self.start("slow", 500)
        done = self.trace("--wait", "20")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"around the late cycle \d+ of lane 0, [1-9]\d* events")
        events = json.loads(self.file.read_text())["traceEvents"]
        names = {e["args"]["name"]: e["pid"] for e in events if e["name"] == "process_name"}
        self.assertEqual(set(names), {"lane main", "kernel"})
        lane = [e for e in events if e["pid"] == names["lane main"] and e["ph"] == "X"]
        kernel = [e for e in events if e["pid"] == names["kernel"] and e["ph"] == "X"]
        late = [e for e in lane if e["name"] == "LATE"]
        self.assertTrue(late)
        # The lane's thread is what ran on its core while the slow driver kept the cycle from ending.
        # (Of the longest few: this host may hold up another step, of which the kernel was not asked.)
        steps = sorted((e for e in lane if e["name"] == "step"), key=lambda e: -e["dur"])
        running = []
        for step in steps[:3]:
            middle = step["ts"] + step["dur"] / 2
            running += [e["name"] for e in kernel if e["ts"] <= middle <= e["ts"] + e["dur"]]
        self.assertTrue(any(name.startswith("lane-main ") for name in running), running)
        tracks = {e["args"]["name"] for e in events if e["name"] == "thread_name"}
        self.assertIn(f"core {CPU}", tracks)
        self.assertEqual(
            {t for t in tracks if t.startswith("core ")} - {f"core {CPU}"},
            {f"core {CPU} interrupts", f"core {CPU} soft interrupts"},
            "the lane's core alone",
        )

    def test_it_leaves_nothing_behind(self):
        self.start("slow", 100)
        self.trace("--wait", "20")
        self.assertEqual([name for name in instances() if name.startswith("rise-")], [])

    def test_no_late_cycle_is_no_trace(self):
        self.start("none", 0, period_us=10_000)
        for _ in range(5):  # a host that holds us up makes a late cycle all the same
            done = self.trace("--wait", "1")
            if done.returncode == NOTHING:
                break
            self.file.unlink()
        self.assertEqual(done.returncode, NOTHING, done.stdout)
        self.assertIn("no cycle was late within 1 s", done.stderr)
        self.assertFalse(self.file.exists())

    def test_without_rights_it_is_said(self):
        self.start("none", 0)
        done = subprocess.run(
            [*without_realtime(), harness.BIN / "rise", "trace", "--kernel"]
            + ["--region", self.plant.region, "/dev/null"],
            capture_output=True,
            text=True,
            timeout=20,
        )
        self.assertNotEqual(done.returncode, 0)
        self.assertRegex(done.stderr, r"cannot be had|not for us|permission denied")


if __name__ == "__main__":
    unittest.main()
