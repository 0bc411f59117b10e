#!/usr/bin/python3
"""The watchdogs over the core, as a service manager sees them. The machine's own: test_rtvm.py."""
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import tempfile
import time
import unittest

from common import harness

LANE = (
    '[[lane]]\nname = "main"\nperiod_us = 1000\nbench_after = 0\nstuck_after = 0\ntrip_after = 0\n'
)


def machine(how, after):
    return (
        f'[[machine]]\nname = "m"\ndriver = "misbehaves"\n'
        f'[machine.misbehaves]\nhow = "{how}"\nafter = {after}\n'
    )


class Keepalive(unittest.TestCase):
    def start(self, machines, watchdog_us=400_000, core=""):
        self.plant = harness.Plant("keepalive")
        self.addCleanup(self.plant.close)
        drivers = self.plant.folder / "drivers"
        drivers.mkdir()
        shutil.copy(harness.OUT / "tests" / "drivers" / "misbehaves.so", drivers)
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.manager.close)
        self.manager.bind(str(self.plant.folder / "notify"))
        self.manager.settimeout(0.1)
        env = {"NOTIFY_SOCKET": str(self.plant.folder / "notify")}
        if watchdog_us:
            env["WATCHDOG_USEC"] = str(watchdog_us)
        return self.plant.start_core(f'driver_path = "{drivers}"\n{core}{LANE}{machines}', env=env)

    def hear(self, seconds):
        """What the manager is told in that time."""
        end = time.monotonic() + seconds
        heard = []
        while time.monotonic() < end:
            try:
                heard.append(self.manager.recv(4096).decode())
            except TimeoutError:
                continue
        return heard

    def test_ready_fed_and_stopping(self):
        core = self.start(machine("none", 0), core="watchdog_late_cycles = 1000\n")
        heard = self.hear(2)
        self.assertRegex(heard[0], r"^READY=1\nSTATUS=core keepalive-.* 1 machines, 1 lanes")
        self.assertEqual(set(heard[1:]), {"WATCHDOG=1"})
        self.assertGreater(len(heard), 10, "every 100 ms")
        self.assertEqual(core.stop(), 0)
        self.assertEqual(self.hear(0.3)[-1], "STOPPING=1")
        self.assertIn("the service manager starts the core anew after 400 ms", core.output())

    def test_a_lane_that_is_late_for_good_starves_the_watchdog(self):
        core = self.start(machine("slow", 100))
        self.hear(3)
        harness.wait_until(
            lambda: "watchdogs are not fed: lane main" in core.output(), 10, "it is said"
        )
        self.assertEqual(self.hear(1), [])
        self.assertTrue(core.alive())
        self.assertEqual(core.stop(), 0)

    def test_without_a_watchdog_it_is_not_fed(self):
        self.start(machine("none", 0), watchdog_us=0)
        heard = self.hear(1)
        self.assertEqual(len(heard), 1, heard)

    def test_a_killed_core_comes_back_tripped_and_a_stopped_one_disarmed(self):
        for how, state in ((signal.SIGTERM, "disarmed"), (signal.SIGABRT, "tripped")):
            with self.subTest(how=how):
                core = self.start(machine("none", 0))
                core.stop(how)
                config = self.plant.folder / "rise.toml"
                self.plant.core = self.plant.start([harness.BIN / "rise-core", "--config", config])
                view = harness.wait_until(self.plant.view, 10, "the core runs again")
                self.assertEqual(view["machines"][0]["safety"], state)
                self.plant.core.stop()

    def test_what_a_crashed_core_leaves_is_kept_and_can_be_traced(self):
        crashes = pathlib.Path(tempfile.mkdtemp(prefix="rise-crash-"))
        self.addCleanup(shutil.rmtree, crashes)
        for i in range(6):  # one more than are kept
            crashes.joinpath(f"rise.other-2026010{i}T000000Z.out").touch()
        core = self.start(machine("none", 0), core=f'crash_folder = "{crashes}"\n')
        for i in range(5):
            crashes.joinpath(f"rise.{self.plant.region}-2026010{i}T000000Z.out").touch()
        time.sleep(0.5)
        core.stop(signal.SIGSEGV)
        config = self.plant.folder / "rise.toml"
        self.plant.core = self.plant.start([harness.BIN / "rise-core", "--config", config])
        harness.wait_until(self.plant.view, 10, "the core runs again")
        said = self.plant.core.output()
        self.assertIn("it died of signal 11, Segmentation fault", said)
        kept = re.search(r"its region is kept: rise trace --crash (\S+)", said)[1]
        mine = sorted(f.name for f in crashes.glob(f"rise.{self.plant.region}-*"))
        self.assertEqual(len(mine), 5, mine)
        self.assertEqual(str(crashes / mine[-1]), kept)
        self.assertEqual(len(list(crashes.glob("rise.other-*"))), 6, "those of another name")
        file = self.plant.folder / "trace.json"
        done = self.plant.rise("trace", "--crash", kept, file)
        self.assertEqual(done.returncode, 0, done.stderr)
        steps = [e for e in json.loads(file.read_text())["traceEvents"] if e["name"] == "step"]
        self.assertGreater(len(steps), 100)
        done = self.plant.rise("trace", "--crash", "/dev/null", file)
        self.assertEqual(done.returncode, 3)
        self.assertIn("too short to be a region", done.stderr)

    def test_an_orderly_end_leaves_nothing_to_keep(self):
        crashes = pathlib.Path(tempfile.mkdtemp(prefix="rise-crash-"))
        self.addCleanup(shutil.rmtree, crashes)
        core = self.start(machine("none", 0), core=f'crash_folder = "{crashes}"\n')
        self.assertEqual(core.stop(), 0)
        config = self.plant.folder / "rise.toml"
        self.plant.core = self.plant.start([harness.BIN / "rise-core", "--config", config])
        harness.wait_until(self.plant.view, 10, "the core runs again")
        self.assertEqual(list(crashes.iterdir()), [])

    def test_a_watchdog_that_is_none_is_no_start(self):
        with self.assertRaisesRegex(RuntimeError, "/dev/null is no watchdog"):
            self.start(machine("none", 0), core='watchdog = "/dev/null"\n')
        self.assertEqual(self.plant.core.wait(), 3)
        self.assertFalse(os.path.exists(f"/dev/shm/rise.{self.plant.region}.in"))


if __name__ == "__main__":
    unittest.main()
