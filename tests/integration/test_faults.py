#!/usr/bin/python3
"""A control that misbehaves costs its own session, never the lane; no value is ever wrong."""
import time
import unittest

from common import LANE, harness

SETTINGS = "reply_timeout_ms = 100\nbackoff_min_ms = 20\nbackoff_max_ms = 200\n"
ITEMS = '["status", "alarms", "position.absolute", "macro.500"]'


class Faults(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # Two machines on one lane: what happens to the first must not touch the second.
        cls.plant = harness.Plant("faults")
        cls.addClassCleanup(cls.plant.close)
        port = harness.free_ports(2)
        cls.plant.start_simulator(
            harness.control_toml("bad", port) + harness.control_toml("good", port + 1)
        )
        for name in ("bad", "good"):
            cls.plant.tell(f"set {name} macro 500 7.25")
            cls.plant.tell(f"mdi {name} G0 X12.345 Y-3.5")
            time.sleep(1)
            cls.plant.tell(f"reset {name}")  # it stands where it is
        cls.plant.start_core(
            LANE
            + harness.machine_toml("bad", port, items=ITEMS, more=SETTINGS)
            + harness.machine_toml("good", port + 1, items=ITEMS, more=SETTINGS)
        )
        cls.plant.start_sidecar()
        cls.plant.wait_up()
        harness.wait_until(cls.all_valid, 10, "every signal has a value")
        cls.true = {n: s["value"] for n, s in cls.plant.machine("bad")["signals"].items()}

    @classmethod
    def all_valid(cls):
        return all(s["valid"] for s in cls.plant.machine("bad")["signals"].values())

    def setUp(self):
        self.plant.tell("clear bad")
        self.plant.wait_up(20)
        self.before = self.plant.view()

    def counters(self, name):
        before = next(m for m in self.before["machines"] if m["name"] == name)["counters"]
        now = self.plant.machine(name)["counters"]
        return {key: now[key] - before[key] for key in now}

    def check_values(self):
        """Nothing moves on this control: whatever is shown as good is what it was before."""
        signals = self.plant.machine("bad")["signals"]
        shown = {name: s["value"] for name, s in signals.items() if s["valid"]}
        self.assertEqual(shown, {name: self.true[name] for name in shown})

    def tell(self, text):
        self.assertTrue(self.plant.tell(text).startswith("ok"), text)

    def check_other_machine_and_lane(self):
        self.assertEqual(self.plant.machine("good")["link"], "up")
        good = self.counters("good")
        self.assertEqual(good["bad_frames"] + good["timeouts"] + good["reconnects"], 0)
        self.assertGreater(good["samples"], 0)
        self.assertEqual(self.plant.view()["lanes"][0]["counters"]["drivers_benched"], 0)

    def check_recovers(self):
        self.tell("clear bad")
        self.plant.wait_machine(
            "bad",
            lambda m: m["link"] == "up" and m["signals"]["macro.500"]["value"] == 7.25,
            15,
            "is well again",
        )
        self.check_other_machine_and_lane()

    def fault_costs_the_session(self, fault, counter):
        self.tell(f"fault bad {fault}")

        def happened():
            self.check_values()
            if counter is None:  # the connection ends, which is nobody's bad frame
                return self.plant.machine("bad")["link"] != "up"
            return self.counters("bad")[counter] >= 2

        harness.wait_until(happened, 15, f"{fault}: {counter or 'link is down'}")
        self.check_values()
        self.check_recovers()
        self.check_values()
        self.assertGreaterEqual(self.counters("bad")["reconnects"], 1)

    def test_garbage(self):
        self.fault_costs_the_session("garbage", "bad_frames")

    def test_wrong_length_in_the_header(self):
        self.fault_costs_the_session("header_length amount=4", "timeouts")

    def test_header_that_announces_too_much(self):
        self.fault_costs_the_session("header_length amount=20000", "bad_frames")

    def test_wrong_length_of_a_block(self):
        self.fault_costs_the_session("block_length amount=3", "bad_frames")

    def test_reply_that_comes_twice(self):
        self.fault_costs_the_session("repeat", "bad_frames")

    def test_reply_cut_off_then_closed(self):
        self.fault_costs_the_session("truncate", None)

    def test_reset(self):
        self.fault_costs_the_session("reset", None)

    def test_stall(self):
        self.fault_costs_the_session("stall", "timeouts")

    def test_half_open(self):
        self.tell("fault bad half_open scope=open")
        self.tell("fault bad reset count=1")
        harness.wait_until(lambda: self.counters("bad")["timeouts"] >= 2, 15, "opens time out")
        self.assertFalse(self.plant.signal("bad", "macro.500")["valid"])
        self.check_recovers()

    def test_all_sessions_in_use(self):
        self.tell("fault bad refuse_open scope=open")
        self.tell("fault bad reset count=1")
        self.plant.wait_machine("bad", lambda m: m["link"] != "up", 10, "is down")
        time.sleep(0.5)
        self.assertNotEqual(self.plant.machine("bad")["link"], "up")
        self.check_recovers()

    def test_nobody_listens(self):
        self.tell("fault bad refuse_listen")
        self.tell("fault bad reset count=1")
        self.plant.wait_machine("bad", lambda m: m["link"] != "up", 10, "is down")
        signals = self.plant.machine("bad")["signals"]
        self.assertTrue(all(not s["valid"] for s in signals.values()))
        self.check_recovers()

    def test_torn_replies_are_put_together(self):
        self.tell("fault bad torn amount=1 gap_us=200")
        time.sleep(2)
        self.assertEqual(self.plant.machine("bad")["link"], "up")
        self.assertEqual(self.counters("bad")["bad_frames"], 0)
        self.assertGreater(self.counters("bad")["samples"], 5)
        self.check_recovers()

    def test_slow_replies_are_waited_for(self):
        self.tell("fault bad delay delay_us=40000 jitter_us=20000")
        time.sleep(2)
        counted = self.counters("bad")
        self.assertEqual(counted["timeouts"] + counted["bad_frames"] + counted["reconnects"], 0)
        self.assertGreater(counted["late_samples"], 10)
        self.assertGreater(counted["samples"], 10)
        self.check_recovers()

    def test_refused_item_is_invalid_and_the_others_go_on(self):
        self.tell("fault bad error status=13 command=21")  # 0x15, macro variables
        self.plant.wait_machine(
            "bad", lambda m: not m["signals"]["macro.500"]["valid"], 10, "macro 500 has no value"
        )
        machine = self.plant.machine("bad")
        self.assertEqual(machine["link"], "up")
        self.assertTrue(machine["signals"]["axis.x.position"]["valid"])
        self.assertGreater(self.counters("bad")["refused_items"], 0)
        self.assertEqual(self.counters("bad")["reconnects"], 0)
        self.check_recovers()

    def test_alarms_come_and_go_with_their_text(self):
        self.tell("alarm bad raise 500 OT 2 (Y)OVER TRAVEL")
        machine = self.plant.wait_machine("bad", lambda m: m["alarms"], 10, "has an alarm")
        self.assertEqual(machine["alarms"][0]["number"], 500)
        self.assertEqual(machine["alarms"][0]["axis"], 2)
        self.assertIn("OVER TRAVEL", machine["alarms"][0]["text"])
        self.tell("alarm bad clear 500")
        self.plant.wait_machine("bad", lambda m: not m["alarms"], 10, "has no alarm")
        texts = [e["text"] for e in self.plant.view()["events"] if e["who"] == "bad"]
        self.assertTrue(any(t.startswith("alarm on: 500") for t in texts))
        self.assertTrue(any(t.startswith("alarm off: 500") for t in texts))

    def test_emergency_is_seen(self):
        self.tell("emergency bad on")
        self.plant.wait_machine(
            "bad",
            lambda m: m["signals"]["status.emergency"].get("name") == "emergency",
            10,
            "emergency stop",
        )
        self.tell("emergency bad off")


if __name__ == "__main__":
    unittest.main()
