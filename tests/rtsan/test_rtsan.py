#!/usr/bin/python3
"""The cycle under RealtimeSanitizer: the core is linked with the runtime of clang 19, and in each
cycle of a lane the first call that may block ends the program with a stack trace."""
import pathlib
import shutil
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import harness  # noqa: E402

CORE = harness.OUT / "rtsan" / "rise-core"
LANE = '[[lane]]\nname = "main"\nstuck_after = 0\n'
REPORT = "Real-time violation"
OUTPUT = '[[machine.output]]\nname = "out"\ntarget = "macro.500"\nmin = 0.0\nmax = 100.0\n'


class Rtsan(unittest.TestCase):
    def start(self, toml, drivers=harness.OUT / "lib" / "rise" / "drivers", io="auto"):
        self.plant = harness.Plant("rtsan")
        self.addCleanup(self.forget)
        config = self.plant.write(
            "rise.toml",
            f'[core]\nname = "{self.plant.region}"\nhugepages = false\n'
            f'driver_path = "{drivers}"\n{LANE}io = "{io}"\n{toml}',
        )
        self.plant.core = self.plant.start([CORE, "--config", config], name="rise-core")
        return self.plant.core

    def forget(self):
        """A core that the runtime has ended leaves its region."""
        self.plant.close()
        for file in pathlib.Path("/dev/shm").glob(f"rise.{self.plant.region}.*"):
            file.unlink()

    def controls(self):
        """The plant's controls run before its core does."""
        self.port = harness.free_ports(2)
        self.simulation = harness.Plant("rtsan-controls")
        self.addCleanup(self.simulation.close)
        self.simulation.start_simulator(
            harness.control_toml("new", self.port)
            + harness.control_toml("old", self.port + 1, model="16i")
        )
        return harness.machine_toml("new", self.port, tables=OUTPUT) + harness.machine_toml(
            "old", self.port + 1, period_ms=20
        )

    def no_report(self):
        self.assertTrue(self.plant.core.alive(), self.plant.core.output())
        self.assertEqual(self.plant.core.stop(), 0, self.plant.core.output())
        self.assertNotIn(REPORT, self.plant.core.output())

    def live(self, io):
        """A lane's life: sweeps, commands, a stop, lost connections, an orderly end."""
        core = self.start(self.controls(), io=io)
        harness.wait_until(lambda: self.plant.view() or not core.alive(), 20, "the core runs")
        self.assertTrue(core.alive(), core.output())
        self.plant.start_sidecar()
        self.plant.wait_up()
        before = self.plant.view()["lanes"][0]["counters"]["cycles"]
        region = ("--region", self.plant.region)
        self.assertEqual(self.plant.rise("arm", *region, "new").returncode, 0)
        done = self.plant.rise("set", *region, "new", "out", "12")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotEqual(self.plant.rise("set", *region, "new", "out", "1000").returncode, 0)
        self.plant.rise("stop", *region)
        self.plant.rise("stop", *region, "--clear")
        self.plant.rise("reset", *region, "new")
        self.simulation.simulator.stop()  # all sessions end; the lane tries again and again
        time.sleep(2)
        after = self.plant.view()["lanes"][0]["counters"]["cycles"]
        self.assertGreater(after - before, 1000)
        self.no_report()

    def test_a_lane_makes_no_call_that_may_block(self):
        self.live("auto")

    def test_nor_does_one_that_receives_datagrams(self):
        port = harness.free_udp_port()
        core = self.start(
            '[[machine]]\nname = "cell"\ndriver = "telemetry"\n[machine.telemetry]\n'
            f'port = {port}\nstatistics_ms = 100\n[[machine.telemetry.sensor]]\nid = 1\nname = "v"\n'
            'kind = "vibration"\nunit = "m/s2"\nrate_hz = 10000.0\nwindow = 1024\nhop = 512\n'
        )
        harness.wait_until(lambda: self.plant.view() or not core.alive(), 20, "the core runs")
        sensor = '[[sensor]]\nname = "v"\nid = 1\nkind = "vibration"\nrate_hz = 10000.0\n'
        self.assertGreater(self.plant.play_sensors(sensor, port, 2)["sent"], 100)
        self.assertGreater(self.plant.signal("cell", "telemetry.received")["value"], 100)
        self.no_report()

    def test_plain_calls_on_sockets_are_on_the_list(self):
        # recv and send, on sockets that do not block, which the runtime cannot know.
        core = self.start(self.controls(), io="nonblocking")
        harness.wait_until(lambda: not core.alive() or self.plant.view(), 20, "the core runs")
        harness.wait_until(lambda: not core.alive(), 20, "the runtime stops it")
        self.assertRegex(core.output(), rf"{REPORT}[\s\S]*(recv|send|poll|read|write)")

    def bad(self, how):
        """The negative control."""
        made = harness.OUT / "tests" / "drivers" / "misbehaves.so"
        folder = harness.Plant("rtsan-drivers")
        self.addCleanup(folder.close)
        shutil.copy(made, folder.folder)
        core = self.start(
            'seal = "off"\n[[machine]]\nname = "bad"\ndriver = "misbehaves"\n'
            f'[machine.misbehaves]\nhow = "{how}"\nafter = 200\n',
            folder.folder,
        )
        harness.wait_until(lambda: not core.alive(), 20, "the runtime ends the core")
        self.assertNotEqual(core.wait(), 0)
        self.assertIn(REPORT, core.output())
        self.assertIn("misbehaves.so", core.output())
        return core.output()

    def test_an_allocation_is_found(self):
        self.assertIn("`malloc`", self.bad("allocate"))

    def test_a_wait_is_found(self):
        self.assertIn("`nanosleep`", self.bad("sleep"))

    def test_an_open_file_is_found(self):
        self.assertIn("`open`", self.bad("open_file"))

    def test_a_driver_that_does_nothing_of_the_kind_is_left_alone(self):
        folder = harness.Plant("rtsan-drivers")
        self.addCleanup(folder.close)
        shutil.copy(harness.OUT / "tests" / "drivers" / "misbehaves.so", folder.folder)
        core = self.start(
            'seal = "off"\n[[machine]]\nname = "good"\ndriver = "misbehaves"\n'
            '[machine.misbehaves]\nhow = "none"\n',
            folder.folder,
        )
        harness.wait_until(lambda: self.plant.view() or not core.alive(), 20, "the core runs")
        time.sleep(1)
        self.no_report()


if __name__ == "__main__":
    unittest.main()
