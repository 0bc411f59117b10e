#!/usr/bin/python3
"""The core on a PREEMPT_RT kernel, in an emulated machine (scripts/rtvm, tests/rtvm). Nothing here is a
time of a real machine: in icount mode a nanosecond is an instruction, in smp mode times mean nothing."""
import base64
import gzip
import concurrent.futures
import json
import pathlib
import re
import tempfile
import unittest

from common import harness

import sys

sys.path.insert(0, str(harness.ROOT / "tests" / "rtvm"))
import accepted  # noqa: E402
import costs  # noqa: E402
import machine  # noqa: E402

MS = 1_000_000


# Two at a time: most of them have no use for a second core.
POOL = concurrent.futures.ThreadPoolExecutor(max_workers=2)


class OnMachine(unittest.TestCase):
    """Tests of what one run of the machine has said; skipped where there is no such machine."""

    SERIES = "6.1"
    result = None

    @classmethod
    def boot(cls):
        """-> machine.Result"""
        raise NotImplementedError

    @classmethod
    def begin(cls):
        cls.why = machine.reason_to_skip(cls.SERIES)
        cls.running = None if cls.why else POOL.submit(cls.boot)

    @classmethod
    def setUpClass(cls):
        if "why" not in cls.__dict__:
            cls.begin()
        if cls.why:
            raise unittest.SkipTest(cls.why)
        cls.result = cls.running.result()
        if cls.result.code == machine.NO_VERDICT:
            raise AssertionError(cls.result.text)

    def test_the_script_ran_to_its_end(self):
        self.assertEqual(self.result.code, 0, self.result.text)


def load_tests(_, suite, __):
    """Begins all machines that the chosen tests need; the longest first."""

    def classes(of):
        for each in of:
            yield from classes(each) if isinstance(each, unittest.TestSuite) else [type(each)]

    chosen = {each for each in classes(suite) if issubclass(each, OnMachine)} - {OnMachine}
    for each in (LatenessOn612, Lateness, Costs, Works, WorksOn612, WorksOn510, Trace, Card):
        if each in chosen:
            each.begin()
    tests = unittest.TestSuite()
    tests.addTests(group for group in suite if OnMachine not in {type(test) for test in group})
    return tests


class Verdicts(unittest.TestCase):
    """Negative controls of the machine itself."""

    def verdict(self, text, limit=60):
        why = machine.reason_to_skip()
        if why:
            self.skipTest(why)
        with tempfile.TemporaryDirectory() as folder:
            script = pathlib.Path(folder) / "verdict.sh"
            script.write_text(text)
            done = machine.subprocess.run(
                [machine.RTVM, "run", script, "--limit", str(limit)],
                capture_output=True,
                text=True,
                timeout=limit + 30,
            )
        return done.returncode, done.stdout

    def test_a_script_that_fails_has_failed(self):
        self.assertEqual(self.verdict("echo said\nfalse\n"), (1, "said\n"))

    def test_a_panic_is_no_verdict(self):
        code, text = self.verdict("echo c >/proc/sysrq-trigger\nsleep 1\n")
        self.assertEqual(code, 2, text)
        self.assertIn("no verdict", text)


class Watchdog(Verdicts):
    """The machine's own watchdog, fed by the core. A reset of the machine ends it."""

    test_a_script_that_fails_has_failed = test_a_panic_is_no_verdict = None

    def test_an_orderly_end_disarms_it_and_a_late_lane_ends_in_a_reset(self):
        why = machine.reason_to_skip()
        if why:
            self.skipTest(why)

        def core(name, how):
            keys = 'watchdog = "/dev/watchdog"\nwatchdog_s = 2\nwatchdog_late_cycles = 20\n'
            lane = (
                costs.LANE + "period_us = 4000\nbench_after = 0\nstuck_after = 0\ntrip_after = 0\n"
            )
            bad = '[[machine]]\nname = "m"\ndriver = "misbehaves"\n[machine.misbehaves]\n'
            bad += f'how = "{how}"\nafter = 2000\n'
            return {"rise.toml": f'[core]\nname = "{name}"\n{keys}{lane}{bad}'}

        runs = {"well": core("well", "none"), "late": core("late", "slow")}
        done = machine.run(
            "watchdog", runs, "smp", module="watchdog,i6300esb", device="-device i6300esb"
        )
        self.assertIn("resets it after 2 s", done.parts.get("orderly", ""), done.text)
        self.assertIn("fed", done.parts, "an orderly end, and the machine lives on")
        self.assertIn("watchdogs are not fed: lane main", done.parts.get("late", ""), done.text)
        self.assertNotIn("not reset", done.parts)
        self.assertEqual(done.code, machine.NO_VERDICT)
        self.assertIn("exit code of QEMU: 0", done.text)


class Comparison(unittest.TestCase):
    """What is reported of costs that differ; needs no machine."""

    KNOWN = {("eight", "step"): 1000.0, ("eight", "worst"): 50_000.0, ("eight", "samples"): 800.0}

    def excess(self, what, figure):
        return costs.ACCEPTED.excess(self.KNOWN, {**self.KNOWN, ("eight", what): figure})

    def test_five_percent_more_is_reported_with_its_run_and_phase(self):
        self.assertEqual(self.excess("step", 1049), [])
        self.assertEqual(
            self.excess("step", 1052), ["eight: step 1000 -> 1052 instructions (+5.2 %)"]
        )

    def test_less_is_fine(self):
        self.assertEqual(self.excess("step", 500), [])

    def test_the_longest_cycle_has_more_room(self):
        self.assertEqual(self.excess("worst", 99_000), [])
        self.assertEqual(len(self.excess("worst", 101_000)), 1)

    def test_cheaper_because_less_was_done_is_reported(self):
        self.assertEqual(len(self.excess("samples", 700)), 1)

    def test_what_was_not_measured_is_reported(self):
        self.assertEqual(len(costs.ACCEPTED.excess(self.KNOWN, {})), 3)


class Costs(OnMachine):
    SERIES = costs.SERIES

    @classmethod
    def boot(cls):
        return costs.measure()

    def setUp(self):
        self.now = self.result.table()

    def test_no_cycle_costs_more_than_what_was_accepted(self):
        of, known = costs.ACCEPTED.read()
        if of != costs.circumstances():
            self.skipTest(f"the accepted costs are of {of}, here is {costs.circumstances()}")
        wrong = costs.ACCEPTED.excess(known, self.now)
        self.assertEqual(wrong, [], "\n" + accepted.show(known, self.now))

    def test_work_that_was_planted_is_reported(self):
        idle = {key: figure for key, figure in self.now.items() if key[0] == "idle"}
        planted = {
            ("idle", what): figure for (run, what), figure in self.now.items() if run == "planted"
        }
        wrong = "\n".join(costs.ACCEPTED.excess(idle, planted))
        for phase in ("step", "cycle"):
            self.assertRegex(wrong, rf"idle: {phase} \d+ -> \d+ instructions \(\+[\d.]+ %\)")

    def test_all_controls_were_swept(self):
        for run, (count, period_ms) in {
            "one": (1, 10),
            "eight": (8, 10),
            "many": (64, 100),
        }.items():
            expected = count * costs.RUNS[run][1] / period_ms
            self.assertGreater(self.now[run, "samples"], 0.9 * expected, run)
        self.assertGreaterEqual(self.now["telemetry", "samples"], 10)

    def test_a_late_driver_costs_its_own_phase_only(self):
        for phase in ("judge", "publish"):
            self.assertLess(self.now["late", phase], 2 * self.now["one", phase], phase)


class Lateness(OnMachine):
    """A lane beside others of its core."""

    @classmethod
    def boot(cls):
        talking = costs.controls(1, 20, "talking")
        idle = {"rise.toml": costs.core("lane", costs.IDLE.format(name="i"))}
        add = [f"{machine.shutil.which('cyclictest') or 'cyclictest'}=/bin/"]
        runs = {"lane": idle, "talking": talking}
        return machine.run("lateness", runs, "icount", cls.SERIES, add=add)

    def setUp(self):
        self.table = {**self.result.table("cost"), **self.result.table("late")}

    def late_ns(self, case):
        return self.table[case, "wake_max"]

    def test_whoever_is_below_does_not_hold_it_up(self):
        for case in ("alone", "below", "below_calls"):
            self.assertLess(self.late_ns(case), MS // 10, case)

    def test_it_is_as_late_as_cyclictest_is(self):
        # The worst of all cases: of one by itself, chance decides which timers meet in an interrupt.
        cases = ("below", "below_calls", "endless")
        other_ns = max(self.table[case, "cyclictest_max"] for case in cases)
        self.assertLess(max(self.late_ns(case) for case in cases), 1.3 * other_ns)

    def test_whoever_is_above_does(self):
        self.assertGreater(self.late_ns("above"), 5 * MS)

    def test_the_lock_of_the_network_does_not_let_one_between_hold_it_up(self):
        self.assertGreater(self.table["inversion", "samples"], 3)
        self.assertLess(self.table["inversion", "exchange_max"], MS)
        self.assertLess(self.late_ns("inversion"), MS)

    def test_throttling_stops_the_lane_with_whoever_never_sleeps(self):
        self.assertGreater(self.late_ns("throttled"), 2 * MS)
        self.assertLess(self.late_ns("endless"), MS // 10)


class LatenessOn612(Lateness):
    SERIES = "6.12"

    def test_throttling_stops_the_lane_with_whoever_never_sleeps(self):
        """Here it is a server for starving threads that does."""
        self.assertGreater(self.late_ns("starving"), 20 * MS)
        self.assertLess(self.late_ns("unserved"), MS // 10)
        self.assertLess(self.late_ns("throttled"), MS // 10)


class Works(OnMachine):
    """On two cores, of which the lane has the isolated one."""

    RINGS = True  # this kernel's io_uring is good enough

    @classmethod
    def boot(cls):
        lane = costs.LANE + 'bench_after = 0\nstuck_after = 1000\ntrip_after = 0\n'
        machines = "".join(harness.machine_toml(f"m-{i}", 9000 + i, 50) for i in (1, 2, 3))
        machines += '[[machine]]\nname = "bad"\ndriver = "misbehaves"\n'
        machines += '[machine.misbehaves]\nhow = "open_file"\nafter = 200\n'
        plant = {
            "rise.toml": '[core]\nname = "plant"\n' + lane + machines,
            "controls.toml": harness.control_toml("m", 9001, count=3),
        }
        add = [f"{harness.OUT / 'tests' / 'unit-rt'}=/rise/tests/unit"]
        options = {"append": "hugepages=32", "memory": 1024}
        return machine.run("works", {"plant": plant}, "smp", cls.SERIES, add=add, **options)

    def part(self, name):
        self.assertIn(name, self.result.parts, self.result.text)
        return self.result.parts[name]

    def view(self, name="second"):
        return json.loads(self.part(name))

    def test_the_core_ended_well(self):
        self.assertEqual(self.part("ended").strip(), "well")

    def test_it_is_the_kernel_that_was_asked_for(self):
        self.assertIn("PREEMPT_RT", self.part("kernel"))
        self.assertRegex(self.part("kernel"), rf"^Linux version {re.escape(self.SERIES)}\.")

    def test_doctor_says_so(self):
        report = json.loads(self.part("doctor"))
        self.assertIn(
            report["grade"], "AB", "better than a machine without an RT kernel, which has F"
        )
        findings = {f["id"]: f for f in report["findings"]}
        for name in (
            "preempt_rt",
            "cores",
            "sched_fifo",
            "memlock",
            "io_uring",
            "isolcpus",
            "nohz_full",
        ):
            self.assertEqual(findings[name]["verdict"], "pass", findings[name])

    def test_lane_is_fifo_on_the_isolated_core_and_nobody_else_is(self):
        threads = [line.split() for line in self.part("threads").splitlines()]
        lane = next(t for t in threads if t[0].startswith("lane-"))
        self.assertEqual(lane[1:4], ["1", "80", "1"], "SCHED_FIFO, 80, core 1")
        for thread in threads:
            if thread is not lane:
                self.assertEqual(thread[3], "0", thread)

    def test_lane_is_sealed_and_only_the_lane(self):
        for name, _, _, _, seal in (line.split() for line in self.part("threads").splitlines()):
            self.assertEqual(seal, "2" if name.startswith("lane-") else "0", name)

    def test_the_core_does_without_nothing(self):
        lane = self.view()["lanes"][0]
        self.assertEqual(lane["scheduling"], "fifo")
        self.assertEqual(lane["shortfall"], "")
        self.assertIn("io_uring", lane["io"])

    def test_memory_is_locked_and_no_page_faults_come(self):
        memory = dict(re.findall(r"(\w+):\s+(\d+) kB", self.part("memory")))
        self.assertGreater(int(memory["VmLck"]), 1024)
        faults = [
            self.view(name)["lanes"][0]["counters"]["page_faults"] for name in ("first", "second")
        ]
        self.assertEqual(*faults)

    def test_region_is_on_huge_pages(self):
        self.assertIn("(huge pages)", self.part("core"))

    def test_sweeps_go_on(self):
        first, second = (
            {m["name"]: m["counters"]["samples"] for m in self.view(name)["machines"]}
            for name in ("first", "second")
        )
        for name in ("m-1", "m-2", "m-3"):
            self.assertGreater(second[name], first[name] + 5, name)

    def test_the_seal_benches_the_driver_that_opens_a_file(self):
        bad = next(m for m in self.view()["machines"] if m["name"] == "bad")
        self.assertGreater(bad["counters"]["faults"], 0)
        self.assertRegex(
            self.part("core"), r"bad +driver benched: .*forbidden system call open(at)? \("
        )

    def test_unit_tests_of_guards_and_rings(self):
        groups = [name for name in self.result.parts if name.startswith("unit ")]
        self.assertEqual(len(groups), 5)
        for name in groups:
            with self.subTest(name):
                if name == "unit IoUringPort" and not self.RINGS:
                    self.assertRegex(self.part(name), r"OK \(\d+ tests, 0 ran, 0 checks")
                else:
                    self.assertRegex(
                        self.part(name), r"OK \(\d+ tests, [1-9]\d* ran, \d+ checks, 0 ignored"
                    )


class WorksOn612(Works):
    SERIES = "6.12"


class WorksOn510(Works):
    """Before io_uring had what a lane needs of it: plain calls, and nothing else is missing."""

    SERIES = "5.10"
    RINGS = False

    def test_the_core_does_without_nothing(self):
        lane = self.view()["lanes"][0]
        self.assertEqual(lane["scheduling"], "fifo")
        self.assertEqual(lane["io"], "plain non-blocking calls")
        self.assertEqual(lane["shortfall"], "io_uring not usable")
        self.assertIn("DEFER_TASKRUN needs Linux 6.1", self.part("core"))

    def test_doctor_says_so(self):
        findings = {f["id"]: f["verdict"] for f in json.loads(self.part("doctor"))["findings"]}
        self.assertEqual(findings["preempt_rt"], "pass")
        self.assertEqual(findings["kernel_version"], "warn")
        self.assertEqual(findings["io_uring"], "warn")


class Trace(OnMachine):
    """`rise trace --kernel --timerlat`, which not every kernel can do."""

    SERIES = "6.12"

    @classmethod
    def boot(cls):
        lane = costs.LANE + "cpu = 0\nbench_after = 0\nstuck_after = 0\n"
        slow = '[[machine]]\nname = "slow"\ndriver = "misbehaves"\n[machine.misbehaves]\n'
        late = {"rise.toml": costs.core("late", slow + 'how = "slow"\nafter = 3000\n', lane)}
        return machine.run("trace", {"late": late}, "icount", cls.SERIES)

    def test_a_late_cycle_has_the_kernel_beside_it(self):
        parts = self.result.parts
        self.assertRegex(parts["said"], r"around the late cycle \d+ of lane 0, \d+ events")
        events = json.loads(gzip.decompress(base64.b64decode(parts["trace"])))["traceEvents"]
        names = [e["name"] for e in events]
        self.assertIn("LATE", names)
        self.assertTrue(any(name.startswith("lane-main ") for name in names), "who ran")
        latencies = [name for name in names if "timer_latency" in name]
        self.assertTrue(any("irq" in name for name in latencies), latencies)

    def test_it_leaves_the_kernel_as_it_was(self):
        self.assertEqual(self.result.parts["left"].split(), ["0"])
        self.assertEqual(self.result.parts["ended"].strip(), "well")


class Card(OnMachine):
    """FOCAS over DPDK on an emulated network card, against controls behind the kernel's own TCP."""

    DEVICE = "virtio-net-pci,disable-modern=on"

    @classmethod
    def setUpClass(cls):
        if not (harness.OUT / "lib" / "rise" / "io" / "dpdk.so").exists():
            raise unittest.SkipTest("built without DPDK (scripts/setup dpdk)")
        super().setUpClass()

    @classmethod
    def boot(cls):
        lane = costs.LANE + 'bench_after = 0\nstuck_after = 1000\ntrip_after = 0\n'
        lane += 'streams = "dpdk"\n[lane.dpdk]\ndevice = "0000:00:03.0"\naddress = "10.9.0.3/24"\n'
        machines = "".join(harness.machine_toml(f"m-{i}", 9000 + i, 50) for i in (1, 2))
        machines = machines.replace("127.0.0.1", "10.9.0.2")
        controls = harness.control_toml("m", 9001, count=2, address="10.9.0.2")
        card = {
            "rise.toml": '[core]\nname = "card"\nhugepages = false\n' + lane + machines,
            "controls.toml": controls,
        }
        device = [
            f"-netdev hubport,id=a,hubid=0 -device {cls.DEVICE},netdev=a,mac=02:00:00:00:00:0a,addr=3",
            "-netdev hubport,id=b,hubid=0 -device e1000,netdev=b,mac=02:00:00:00:00:0b,addr=4",
        ]
        options = {"append": "hugepages=64", "memory": 1024, "module": "uio,uio_pci_generic,e1000"}
        return machine.run("dpdk", {"card": card}, "smp", cls.SERIES, device=device, **options)

    def test_controls_are_read_over_the_card(self):
        view = json.loads(self.result.parts["top"])
        self.assertIn("DPDK", view["lanes"][0]["io"])
        for control in view["machines"]:
            self.assertEqual(control["link"], "up", self.result.text)
            self.assertGreater(control["counters"]["samples"], 5)
        self.assertEqual(self.result.parts["ended"].strip(), "well")


if __name__ == "__main__":
    unittest.main()
