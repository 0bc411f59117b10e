#!/usr/bin/python3
"""From the simulated control through lane and shared memory to the screen: `rise run`."""
import json
import os
import pathlib
import signal
import subprocess
import time
import unittest

from common import harness


def leftovers(before):
    """Region files and processes of ours that were not there before."""
    files = {str(f) for f in pathlib.Path("/dev/shm").glob("rise.*")}
    return sorted((files | processes()) - before)


def processes():
    found = set()
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            name = os.readlink(folder / "exe")
        except OSError:
            continue
        if pathlib.Path(name).parent == harness.BIN:
            found.add(f"{folder.name} {name}")
    return found


class Spine(unittest.TestCase):
    def setUp(self):
        # `make run` as a newcomer has it: fixed ports, region "rise"; other tests use their own.
        self.before = {str(f) for f in pathlib.Path("/dev/shm").glob("rise.*")} | processes()
        if any(f.startswith("/dev/shm/rise.rise.") for f in self.before):
            self.skipTest("a core with the default name is running on this machine")

    def start(self, *arguments):
        process = harness.Process([harness.BIN / "rise", "run", *arguments], name="rise-run")
        self.addCleanup(process.close)
        return process

    def wait_view(self):
        def look():
            done = subprocess.run(
                [harness.BIN / "rise", "top", "--once", "--json"],
                capture_output=True,
                text=True,
                timeout=10,
            )
            view = json.loads(done.stdout) if done.returncode == 0 else None
            return view if view and all(m["link"] == "up" for m in view["machines"]) else None

        return harness.wait_until(look, 20, "rise top sees three machines up")

    def test_built_in_config_shows_live_data_and_ends_by_itself(self):
        process = self.start("--duration", "4")
        self.assertEqual(process.wait(30), 0, process.output())
        out = process.output()
        for text in ("mill-1", "lathe-1", "old-1", "link up", "memory/start", "axis.x", "0 lost"):
            self.assertIn(text, out)
        self.assertEqual(leftovers(self.before), [])

    def test_values_move(self):
        process = self.start()
        first = self.wait_view()
        self.assertEqual({m["name"] for m in first["machines"]}, {"mill-1", "lathe-1", "old-1"})
        moved = set()
        end = time.monotonic() + 15
        while moved != {"mill-1", "lathe-1", "old-1"} and time.monotonic() < end:
            time.sleep(0.5)
            for before, now in zip(first["machines"], self.wait_view()["machines"]):
                axes = [s for s in before["signals"] if s.endswith(".position")]
                if any(before["signals"][a]["value"] != now["signals"][a]["value"] for a in axes):
                    moved.add(now["name"])
        self.assertEqual(moved, {"mill-1", "lathe-1", "old-1"})
        process.stop(signal.SIGINT)

    def test_ctrl_c_ends_cleanly(self):
        process = self.start()
        self.wait_view()
        self.assertEqual(process.stop(signal.SIGINT), 0)
        self.assertEqual(leftovers(self.before), [])

    def test_killed_run_leaves_no_process_and_the_next_start_cleans_up(self):
        process = self.start()
        self.wait_view()
        process.stop(signal.SIGKILL)
        # The children are told by the kernel that their parent died.
        harness.wait_until(
            lambda: not (processes() - self.before), 10, "children end with their parent"
        )
        again = self.start("--duration", "1")
        self.assertEqual(again.wait(30), 0, again.output())
        self.assertEqual(leftovers(self.before), [])

    def test_killed_sidecar_comes_back_within_a_second_and_loses_nothing(self):
        process = self.start()
        view = self.wait_view()
        sidecar = next(r for r in view["readers"] if r["name"] == "sidecar")
        os.kill(sidecar["pid"], signal.SIGKILL)
        killed = time.monotonic()

        def back():
            now = next(r for r in self.wait_view()["readers"] if r["name"] == "sidecar")
            return now if now["pid"] != sidecar["pid"] and now["alive"] else None

        again = harness.wait_until(back, 10, "the sidecar is back")
        # Generous for a loaded machine; the supervisor's own pause is 0.3 s.
        self.assertLess(time.monotonic() - killed, 5)
        time.sleep(0.5)
        again = back()
        self.assertEqual(again["lost"], 0)
        self.assertGreater(again["frames"], sidecar["frames"])
        self.assertEqual(process.stop(signal.SIGINT), 0)

    def test_two_runs_at_once_are_refused_clearly(self):
        first = self.start()
        self.wait_view()
        second = self.start("--duration", "1")
        self.assertEqual(second.wait(30), 3, second.output())
        self.assertRegex(second.output(), "already running|in use")
        self.assertEqual(first.stop(signal.SIGINT), 0)
        self.assertEqual(leftovers(self.before), [])


if __name__ == "__main__":
    unittest.main()
