#!/usr/bin/python3
"""The rules of the cycle, counted on the running core: allocations, faults, calls, scheduling."""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time
import unittest

from common import LANE, harness, needs_root, without_realtime

MACHINES = 8


def eight_machines(port):
    return "".join(harness.machine_toml(f"m-{i + 1}", port + i) for i in range(MACHINES))


class Counts(unittest.TestCase):
    """10,000 cycles and more of a 1 ms lane with 8 machines at 10 ms sweeps."""

    def start(self, lane=LANE, env=None):
        plant = harness.Plant("counts")
        self.addCleanup(plant.close)
        port = harness.free_ports(MACHINES)
        plant.start_simulator(harness.control_toml("m", port, count=MACHINES))
        plant.start_core(lane + eight_machines(port), env=env)
        plant.start_sidecar()
        plant.wait_up()
        return plant

    def test_no_allocation_lock_or_print_and_no_page_fault(self):
        plant = self.start(env={"LD_PRELOAD": str(harness.GUARD), "RISE_GUARD": "count"})
        before = plant.view()["lanes"][0]["counters"]
        time.sleep(11)
        after = plant.view()["lanes"][0]["counters"]
        cycles = after["cycles"] - before["cycles"]
        self.assertGreaterEqual(cycles, 10000)
        samples = sum(m["counters"]["samples"] for m in plant.view()["machines"])
        self.assertGreater(samples, 5000, "the machines were swept meanwhile")
        self.assertEqual(after["page_faults"], before["page_faults"])
        plant.core.stop()
        forbidden = re.search(r"guard: (\d+) forbidden calls", plant.core.output())
        self.assertIsNotNone(forbidden, "the guard was loaded")
        self.assertEqual(int(forbidden.group(1)), 0)

    def test_one_sleep_and_at_most_one_enter_per_cycle(self):
        plant = self.start()
        if shutil.which("strace") is None:
            self.skipTest("strace is not installed")
        if "io_uring" not in plant.view()["lanes"][0]["io"]:
            self.skipTest("io_uring is not usable here: " + plant.view()["lanes"][0]["io"])
        counted = harness.count_syscalls(plant, 11)
        if not counted["cycles"]:
            self.skipTest("strace may not attach to a process here")
        self.assertGreaterEqual(counted["cycles"], 10000)
        self.assertEqual(set(counted["calls"]), {"clock_nanosleep", "io_uring_enter"})
        self.assertLessEqual(counted["calls"]["io_uring_enter"], counted["cycles"])

    def test_no_kernel_worker_serves_the_ring(self):
        plant = self.start()
        names = [
            (task / "comm").read_text().strip()
            for task in pathlib.Path(f"/proc/{plant.core.pid}/task").iterdir()
        ]
        self.assertEqual([n for n in names if n.startswith("iou-")], [])

    def test_lane_sleeps_once_per_cycle_and_is_not_woken_early(self):
        plant = self.start()
        before = plant.view()["lanes"][0]["counters"]
        time.sleep(5)
        after = plant.view()["lanes"][0]["counters"]
        cycles = after["cycles"] - before["cycles"]
        switches = after["voluntary_switches"] - before["voluntary_switches"]
        # The switches are gathered once a second, so they may be a second behind.
        self.assertLessEqual(switches, cycles + 1500)
        self.assertGreater(switches, cycles - 1500)

    def test_core_stays_within_its_memory(self):
        plant = self.start()
        status = pathlib.Path(f"/proc/{plant.core.pid}/status").read_text()
        value = {k: int(v) for k, v in re.findall(r"^(\w+):\s+(\d+) kB$", status, re.M)}
        self.assertLessEqual(value["VmRSS"] - value["RssShmem"], 48 * 1024)


class GuardCatches(unittest.TestCase):
    """The negative control: a driver that allocates inside a cycle."""

    def start(self, mode):
        plant = harness.Plant("guard")
        self.addCleanup(plant.close)
        drivers = plant.folder / "drivers"
        drivers.mkdir()
        shutil.copy(harness.OUT / "tests" / "drivers" / "allocates.so", drivers)
        config = plant.write(
            "rise.toml",
            f'[core]\nname = "{plant.region}"\nhugepages = false\n'
            f'driver_path = "{drivers}"\n{LANE}'
            '[[machine]]\nname = "bad"\ndriver = "allocates"\n',
        )
        return plant.start(
            [harness.BIN / "rise-core", "--config", config],
            {"LD_PRELOAD": str(harness.GUARD), "RISE_GUARD": mode},
            "rise-core",
        )

    def test_count_mode_counts(self):
        core = self.start("count")
        time.sleep(2)
        core.stop()
        self.assertGreater(int(re.search(r"guard: (\d+) forbidden", core.output()).group(1)), 100)

    def test_abort_mode_stops_with_a_stack_trace_that_names_the_driver(self):
        core = self.start("abort")
        self.assertEqual(core.wait(10), -signal.SIGABRT)
        self.assertIn("malloc() was called inside a cycle", core.output())
        self.assertIn("allocates.so", core.output())


class Scheduling(unittest.TestCase):
    def start(self, prefix=(), lane=LANE):
        plant = harness.Plant("sched")
        self.addCleanup(plant.close)
        port = harness.free_ports(1)
        plant.start_simulator(harness.control_toml("a", port))
        config = plant.write(
            "rise.toml",
            f'[core]\nname = "{plant.region}"\nhugepages = false\n'
            + lane
            + harness.machine_toml("a", port),
        )
        os.chmod(plant.folder, 0o755)
        plant.core = plant.start(
            [*prefix, harness.BIN / "rise-core", "--config", config], name="rise-core"
        )
        harness.wait_until(lambda: plant.view() or not plant.core.alive(), 15, "the core runs")
        return plant

    @needs_root
    def test_lane_is_fifo_pinned_and_locked(self):
        plant = self.start()
        lane = plant.view()["lanes"][0]
        thread = harness.lane_thread(plant.core.pid)
        self.assertEqual(lane["scheduling"], "fifo")
        self.assertEqual(os.sched_getscheduler(thread) & ~os.SCHED_RESET_ON_FORK, os.SCHED_FIFO)
        self.assertEqual(os.sched_getparam(thread).sched_priority, 80)
        if os.cpu_count() > 1:
            self.assertEqual(os.sched_getaffinity(thread), {max(os.sched_getaffinity(0))})
        self.assertEqual(lane["shortfall"], "")
        for task in pathlib.Path(f"/proc/{plant.core.pid}/task").iterdir():
            if int(task.name) != thread:
                # The watchdog stands above the lanes: it must get through to one that loops.
                watchdog = (task / "comm").read_text().strip() == "watchdog"
                self.assertEqual(
                    os.sched_getscheduler(int(task.name)) & ~os.SCHED_RESET_ON_FORK,
                    os.SCHED_FIFO if watchdog else os.SCHED_OTHER,
                    "only lanes and the watchdog are real-time threads",
                )
                if os.cpu_count() > 1:
                    self.assertNotIn(
                        lane["cpu"],
                        os.sched_getaffinity(int(task.name)),
                        f"{(task / 'comm').read_text().strip()} may run on the lane's core",
                    )

    @needs_root
    def test_without_privilege_it_runs_and_says_loudly_what_is_missing(self):
        if shutil.which("setpriv") is None:
            self.skipTest("setpriv is not installed")
        if (
            subprocess.run(
                [*without_realtime(), "test", "-x", harness.BIN / "rise-core"]
            ).returncode
            != 0
        ):
            self.skipTest("the build folder is not readable for other users")
        plant = self.start(without_realtime())
        self.assertTrue(plant.core.alive(), plant.core.output())
        self.assertIn("WARNING", plant.core.output())
        self.assertIn("ORDINARY SCHEDULING instead of SCHED_FIFO 80", plant.core.output())
        self.assertIn("memory is not locked", plant.core.output())
        lane = plant.view()["lanes"][0]
        self.assertEqual(lane["scheduling"], "ordinary")
        self.assertIn("ORDINARY SCHEDULING", lane["shortfall"])
        self.assertIn("does without", plant.rise("top", "--region", plant.region, "--once").stdout)
        plant.wait_up()

    def test_plain_calls_behave_as_io_uring_does(self):
        plant = self.start(lane=LANE + 'io = "nonblocking"\n')
        self.assertEqual(plant.view()["lanes"][0]["io"], "plain non-blocking calls")
        plant.wait_up()
        plant.wait_machine("a", lambda m: m["counters"]["samples"] > 50, 10, "sweeps")
        self.assertEqual(plant.core.stop(), 0)


if __name__ == "__main__":
    unittest.main()
