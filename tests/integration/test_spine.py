#!/usr/bin/python3
"""From the simulated control through lane and shared memory to the screen: `rise run`."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import time
import unittest

from common import LANE, harness, without_realtime


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
        if "/dev/shm/rise.rise.in" in self.before:
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

    def test_all_but_the_core_keep_off_the_lanes(self):
        process = self.start()
        lane = self.wait_view()["lanes"][0]["cpu"]
        if lane < 0 or len(os.sched_getaffinity(0)) < 2:
            self.skipTest("there is no core but the lane's")

        def cores(pid):
            return [os.sched_getaffinity(int(t)) for t in os.listdir(f"/proc/{pid}/task")]

        reader = next(r for r in self.wait_view()["readers"] if r["name"] == "sidecar")
        for pid in (process.pid, reader["pid"]):
            harness.wait_until(
                lambda: all(lane not in allowed for allowed in cores(pid)), 5, "off the lane's core"
            )
        self.assertEqual(process.stop(signal.SIGINT), 0)

    def test_two_runs_at_once_are_refused_clearly(self):
        first = self.start()
        self.wait_view()
        second = self.start("--duration", "1")
        self.assertEqual(second.wait(30), 3, second.output())
        self.assertRegex(second.output(), "already running|in use")
        self.assertEqual(first.stop(signal.SIGINT), 0)
        self.assertEqual(leftovers(self.before), [])


class Supervision(unittest.TestCase):
    """`rise run` and its core, on a config and under a name of their own."""

    def setUp(self):
        self.plant = harness.Plant("supervision")
        self.addCleanup(self.plant.close)
        self.region = pathlib.Path(f"/dev/shm/rise.{self.plant.region}.in")

    def config(self, core="", port=1, more=""):
        return self.plant.write(
            "run.toml",
            f'[core]\nname = "{self.plant.region}"\nhugepages = false\n{core}\n'
            + "[sidecar]\nenabled = false\n"
            + LANE
            + harness.machine_toml("a", port, more=more),
        )

    def test_ends_when_nobody_reads_its_lines_any_more(self):
        for interval_ms in (100, 3600000):  # also long before the next line is due
            with self.subTest(interval_ms=interval_ms):
                run = subprocess.Popen(
                    [
                        harness.BIN / "rise",
                        "run",
                        "--config",
                        self.config(),
                        "--interval-ms",
                        str(interval_ms),
                    ],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                )
                self.addCleanup(run.wait)
                self.addCleanup(run.kill)
                while b"LANE" not in run.stdout.readline():
                    self.assertIsNone(run.poll())
                run.stdout.close()
                self.assertEqual(run.wait(15), 0)
                self.assertFalse(self.region.exists(), "the core has ended in order")

    def test_core_may_take_the_grace_that_it_was_given(self):
        """A control that answers no more holds up the end of its session for 6 s."""
        port = harness.free_ports(1)
        self.plant.start_simulator(harness.control_toml("a", port))
        config = self.config("stop_grace_ms = 7000", port, "reply_timeout_ms = 6000")
        run = self.plant.start([harness.BIN / "rise", "run", "--config", config])
        harness.wait_until(self.plant.view, 15, "the core runs")
        self.plant.wait_up()
        self.plant.tell("fault a stall scope=all")
        time.sleep(0.3)
        started = time.monotonic()
        self.assertEqual(run.stop(signal.SIGINT, 20), 0)
        if time.monotonic() - started < 5.5:
            self.skipTest("the core did not need longer than it had before")
        self.assertFalse(self.region.exists(), "killed instead of waited for")

    def test_core_with_file_capabilities_does_not_outlive_its_parent(self):
        """The kernel forgets the parent's death signal at the start of such a program."""
        if os.geteuid() != 0:
            self.skipTest("needs root")
        out = self.plant.folder / "out"
        for name in ("bin/rise", "bin/rise-core", "lib/rise/drivers/focas.so"):
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(harness.OUT / name, out / name)
        config = self.config()
        for path in (self.plant.folder, *self.plant.folder.rglob("*")):
            path.chmod(0o755)
        core = out / "bin" / "rise-core"
        if subprocess.run(["/usr/sbin/setcap", "cap_net_bind_service+p", core]).returncode != 0:
            self.skipTest("no file capabilities in " + str(out))
        run = self.plant.start(
            [*without_realtime()[:-2], out / "bin" / "rise", "run", "--config", config]
        )

        def core_pid():
            for folder in pathlib.Path("/proc").glob("[0-9]*"):
                try:
                    if os.readlink(folder / "exe") == str(core) and self.region.exists():
                        return int(folder.name)
                except OSError:
                    continue
            return None

        pid = harness.wait_until(core_pid, 15, "the core runs")
        self.addCleanup(lambda: pathlib.Path(f"/proc/{pid}").exists() and os.kill(pid, 9))
        harness.wait_until(lambda: "LANE" in run.output(), 15, "it is supervised")
        run.stop(signal.SIGKILL)
        harness.wait_until(lambda: core_pid() is None, 10, "the core ends with its parent")

    def test_core_whose_parent_is_gone_does_not_start(self):
        core = self.plant.start(
            [harness.BIN / "rise-core", "--parent", "1", "--config", self.config()]
        )
        self.assertEqual(core.wait(), 3)
        self.assertIn("not started", core.output())
        self.assertFalse(self.region.exists())
        for word in ("0", "-5", "x", "1x", ""):
            core = self.plant.start([harness.BIN / "rise-core", "--parent", word])
            self.assertEqual(core.wait(), 64, word)


if __name__ == "__main__":
    unittest.main()
