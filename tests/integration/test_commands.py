#!/usr/bin/python3
"""Writes: white-listed, limit-checked, armed, read back; the stop; life without a sidecar."""
import pathlib
import signal
import time
import unittest

from common import LANE, harness

OUTPUTS = '''
on_sidecar_loss = "rollback"
[[machine.limit]]
signal = "macro.501"
max = 100.0
[[machine.output]]
name = "advice"
target = "macro.500"
min = 0.0
max = 100.0
max_step = 50.0
[[machine.output]]
name = "byte"
target = "pmc.R200"
min = 0.0
max = 255.0
[[machine.output]]
name = "bit"
target = "pmc.R201.3"
min = 0.0
max = 1.0
[[machine.output]]
name = "word"
target = "pmc.D300:word"
min = -100.0
max = 30000.0
[[machine.output]]
name = "parts"
target = "parameter.6713"
min = 0.0
max = 9999.0
'''
SAFE = 'safe = ["pmc.R100=1", "pmc.R103.2=0"]\nfeed_hold = "pmc.R101=1"\n'


class Commands(unittest.TestCase):
    def start(self, model):
        self.plant = harness.Plant(f"commands-{model}")
        self.addCleanup(self.plant.close)
        # After a test that has killed its core, this one would begin tripped.
        for left in pathlib.Path("/dev/shm").glob(f"rise.{self.plant.region}.*"):
            left.unlink()
        port = harness.free_ports(1)
        self.plant.start_simulator(harness.control_toml("a", port, model=model))
        self.plant.tell("set a pmc R103 255")
        config = (
            "[safety]\nsidecar_timeout_ms = 400\n"
            + LANE
            + harness.machine_toml(
                "a", port, items='["status", "macro.500-501"]', more=SAFE, tables=OUTPUTS
            )
        )
        self.config = config
        self.plant.start_core(config)
        self.plant.start_sidecar("--heartbeat-ms", "50")
        self.plant.wait_up()
        self.plant.wait_machine("a", lambda m: m["safety"] == "disarmed", 10, "is disarmed")
        time.sleep(0.3)  # the outputs' values have been read by then

    def rise(self, *arguments, ok=True):
        done = self.plant.rise(arguments[0], "--region", self.plant.region, *arguments[1:])
        self.assertEqual(done.returncode, 0 if ok else 1, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def get(self, what):
        answer = self.plant.tell(f"get a {what}").split()
        self.assertEqual(answer[0], "ok", answer)
        return float(answer[1])

    def test_writes_of_every_kind_are_applied_and_read_back(self):
        for model in ("31i", "16i"):
            with self.subTest(model=model):
                self.start(model)
                self.assertIn("not armed", self.rise("set", "a", "advice", "10", ok=False))
                self.rise("arm", "a")
                for output, value, place in (
                    ("advice", 12.5, "macro 500"),
                    ("byte", 200, "pmc R200"),
                    ("bit", 1, "pmc R201.3"),
                    ("word", 1234, "pmc D300"),
                    ("parts", 77, "param 6713"),
                ):
                    self.assertIn("applied", self.rise("set", "a", output, str(value)))
                    got = self.get(place)
                    if (
                        output == "word"
                    ):  # the PMC's memory is little-endian; this is its first byte
                        self.assertEqual(got, 1234 & 255)
                    else:
                        self.assertAlmostEqual(got, value, places=5, msg=output)
                self.assertEqual(
                    self.get("pmc R201"), 8, "the other bits of the byte are untouched"
                )
                self.assertEqual(self.plant.machine("a")["counters"]["writes"], 5)

    def test_what_is_not_allowed_is_refused_by_the_core(self):
        self.start("31i")
        self.rise("arm", "a")
        for arguments, words in (
            (("advice", "101"), "above max"),
            (("advice", "-1"), "below min"),
            (("advice", "51"), "step too large"),
            (("advice", "nan"), "not finite"),
        ):
            self.assertIn(words, self.rise("set", "a", *arguments, ok=False))
        self.assertIn("no output", self.rise("set", "a", "nothing", "1", ok=False))
        self.assertIn("no machine", self.rise("arm", "b", ok=False))
        self.assertIn("wrong state", self.rise("arm", "a", ok=False))
        self.rise("disarm", "a")
        self.assertIn("not armed", self.rise("set", "a", "advice", "1", ok=False))
        self.assertEqual(self.get("macro 500"), 0)

    def test_stop_makes_safe_and_latches(self):
        self.start("31i")
        self.rise("arm", "a")
        self.rise("stop")
        machine = self.plant.wait_machine(
            "a", lambda m: m["safe_confirmed"] == 1, 5, "safe outputs confirmed"
        )
        self.assertEqual((machine["safety"], machine["trip_reason"]), ("tripped", "stop_word"))
        self.assertEqual(self.get("pmc R100"), 1)
        self.assertEqual(self.get("pmc R103"), 255 - 4, "one bit was cleared, the others were kept")
        self.assertIn("trip condition active", self.rise("reset", "a", ok=False))
        self.rise("stop", "--clear")
        self.assertIn("wrong state", self.rise("arm", "a", ok=False))
        self.rise("reset", "a")
        self.rise("arm", "a")

    def test_stop_tells_what_each_machine_made_of_it(self):
        self.start("31i")
        said = self.rise("stop")
        self.assertRegex(said, r"(?m)^a +Tripped, safe outputs confirmed$")
        self.rise("stop")  # again: still so
        self.rise("stop", "--clear")

    def test_stop_of_a_machine_that_cannot_be_reached_is_not_called_a_success(self):
        self.start("31i")
        self.plant.tell("fault a refuse_listen")
        self.plant.tell("fault a reset scope=all count=2")
        self.plant.wait_machine("a", lambda m: m["link"] != "up", 5, "is lost")
        started = time.monotonic()
        said = self.rise("stop", ok=False)
        self.assertRegex(said, r"(?m)^a +Tripped, safe outputs NOT confirmed")
        self.assertIn("1 of 1 machines not confirmed safe; use the hardware stop", said)
        self.assertGreater(time.monotonic() - started, 0.9, "it has waited for the confirmation")

    def test_stop_of_a_dead_core_says_that_nothing_was_stopped(self):
        self.start("31i")
        self.plant.core.stop(signal.SIGKILL)
        done = self.plant.rise("stop", "--region", self.plant.region)
        self.assertEqual(done.returncode, 3, done.stdout + done.stderr)
        self.assertIn("the core is dead, nothing was stopped; use the hardware stop", done.stderr)
        self.assertEqual(done.stdout, "")
        # The next core begins as this one was left.
        self.plant.start_core(self.config)
        machine = self.plant.wait_machine("a", lambda m: m["safety"] == "tripped", 5, "is tripped")
        self.assertEqual(machine["trip_reason"], "stop_word")
        self.plant.core.stop(signal.SIGKILL)
        done = self.plant.rise("stop", "--region", self.plant.region, "--clear")
        self.assertEqual(done.returncode, 3)
        self.assertIn("the core is dead", done.stderr)

    def test_stop_without_a_core_says_that_nothing_was_stopped(self):
        plant = harness.Plant("nobody")
        self.addCleanup(plant.close)
        done = plant.rise("stop", "--region", plant.region)
        self.assertEqual(done.returncode, 3)
        self.assertIn("nothing was stopped; use the hardware stop", done.stderr)

    def test_limit_trips(self):
        self.start("31i")
        self.rise("arm", "a")
        self.plant.tell("set a macro 501 101")
        machine = self.plant.wait_machine("a", lambda m: m["safety"] == "tripped", 5, "is tripped")
        self.assertEqual(machine["trip_reason"], "limit")
        self.assertIn("trip condition active", self.rise("reset", "a", ok=False))
        self.plant.tell("set a macro 501 1")
        time.sleep(0.2)
        self.rise("reset", "a")

    def test_lost_connection_trips_and_safe_outputs_follow_when_it_is_back(self):
        self.start("31i")
        self.rise("arm", "a")
        self.plant.tell("fault a refuse_listen")
        self.plant.tell("fault a reset scope=all count=2")
        machine = self.plant.wait_machine("a", lambda m: m["safety"] == "tripped", 5, "is tripped")
        self.assertEqual(machine["trip_reason"], "link_lost")
        self.assertNotEqual(machine["safe_confirmed"], 1)
        self.plant.tell("clear a")
        self.plant.wait_machine(
            "a", lambda m: m["safe_confirmed"] == 1, 15, "safe outputs confirmed"
        )
        self.assertEqual(self.get("pmc R100"), 1)

    def test_orderly_stop_while_armed_writes_the_safe_outputs(self):
        self.start("31i")
        self.rise("arm", "a")
        self.rise("set", "a", "advice", "20")
        self.rise("set", "a", "advice", "40", "--provisional")
        self.assertEqual(self.plant.core.stop(), 0)
        self.assertEqual(self.get("macro 500"), 20, "the provisional value went back")
        self.assertEqual(self.get("pmc R100"), 1, "the safe outputs were written")
        self.assertEqual(self.get("pmc R103"), 255 - 4)

    def test_core_after_one_that_was_killed_begins_tripped_and_makes_safe(self):
        self.start("31i")
        self.rise("arm", "a")
        self.plant.core.stop(signal.SIGKILL)
        self.assertEqual(self.get("pmc R100"), 0)
        self.plant.start_core(self.config)
        machine = self.plant.wait_machine(
            "a", lambda m: m["safe_confirmed"] == 1, 10, "safe outputs confirmed"
        )
        self.assertEqual((machine["safety"], machine["trip_reason"]), ("tripped", "unclean_start"))
        self.assertEqual(self.get("pmc R100"), 1)
        self.assertIn("wrong state", self.rise("arm", "a", ok=False))
        time.sleep(0.3)  # the first samples have come by then
        self.rise("reset", "a")
        self.rise("arm", "a")

    def test_feed_hold_needs_no_arming(self):
        self.start("31i")
        self.assertIn("applied", self.rise("hold", "a"))
        self.assertEqual(self.get("pmc R101"), 1)

    def test_lost_sidecar_rolls_provisional_values_back(self):
        self.start("31i")
        self.rise("arm", "a")
        self.rise("set", "a", "advice", "20")
        self.rise("set", "a", "advice", "40", "--provisional")
        self.rise("set", "a", "byte", "9", "--provisional")
        self.plant.sidecar.stop(signal.SIGKILL)
        harness.wait_until(lambda: self.get("macro 500") == 20, 5, "the approved value is back")
        harness.wait_until(
            lambda: self.get("pmc R200") == 0, 5, "the value found at the start is back"
        )
        self.assertEqual(self.plant.machine("a")["safety"], "armed")


if __name__ == "__main__":
    unittest.main()
