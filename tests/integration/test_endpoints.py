#!/usr/bin/python3
"""Primary and backup endpoint, heartbeat of an idle session, reconnect."""
import time
import unittest

from common import LANE, harness


class Endpoints(unittest.TestCase):
    def start(self, more, period_ms=10, tables="", items=harness.FAST):
        self.plant = harness.Plant("endpoints")
        self.addCleanup(self.plant.close)
        self.port = harness.free_ports(2)
        # The same machine behind two addresses, told apart by a macro.
        self.plant.start_simulator(
            harness.control_toml("first", self.port) + harness.control_toml("second", self.port + 1)
        )
        self.plant.tell("set first macro 500 1")
        self.plant.tell("set second macro 500 2")
        self.plant.start_core(
            LANE
            + harness.machine_toml(
                "a",
                self.port,
                period_ms=period_ms,
                items=items,
                tables=tables,
                more=f"reply_timeout_ms = 100\nbackoff_min_ms = 20\nbackoff_max_ms = 100\n{more}",
            )
        )

    def where(self):
        return self.plant.signal("a", "macro.500")["value"]

    def test_failover_and_failback(self):
        self.start(
            f'backup = "127.0.0.1:PORT2"\nretry_count = 2\nfailback_s = 1\n'.replace(
                "PORT2", str(harness.free_ports(2) + 1)
            ),
            items='["status", "macro.500"]',
        )
        self.plant.wait_machine("a", lambda m: m["link"] == "up", 10, "is up")
        harness.wait_until(lambda: self.where() == 1, 10, "the primary answers")
        self.plant.tell("fault first refuse_listen")
        self.plant.tell("fault first reset count=1")
        self.plant.wait_machine(
            "a", lambda m: m["link"] == "up" and m["endpoint"] == 1, 15, "is up on the backup"
        )
        harness.wait_until(lambda: self.where() == 2, 10, "the backup answers")
        time.sleep(1.5)
        self.assertEqual(self.where(), 2, "it stays there while the primary is away")
        self.plant.tell("clear first")
        self.plant.wait_machine(
            "a", lambda m: m["link"] == "up" and m["endpoint"] == 0, 15, "is back on the primary"
        )
        harness.wait_until(lambda: self.where() == 1, 10, "the primary answers again")
        counters = self.plant.machine("a")["counters"]
        self.assertEqual((counters["failovers"], counters["failbacks"]), (1, 1))
        # The session on the backup was given back.
        harness.wait_until(
            lambda: "sessions=0" in self.plant.tell("status second"),
            5,
            "no session is left on the backup",
        )

    def test_idle_session_beats(self):
        self.start(
            "heartbeat_s = 1\n",
            tables='[[machine.output]]\nname = "x"\ntarget = "macro.600"\n'
            "min = 0.0\nmax = 1.0\n",
        )
        self.plant.wait_machine("a", lambda m: m["link"] == "up", 10, "is up")
        # The sweep session is busy; the command session is idle and so beats once a second.
        time.sleep(4.5)
        machine = self.plant.machine("a")
        self.assertGreaterEqual(machine["counters"]["heartbeats"], 2)
        self.assertLessEqual(machine["counters"]["heartbeats"], 6)
        self.assertGreater(machine["counters"]["last_heartbeat_mono_ns"], 0)

    def test_orderly_end_gives_the_sessions_back(self):
        self.start("")
        self.plant.wait_machine("a", lambda m: m["link"] == "up", 10, "is up")
        self.plant.core.stop()
        harness.wait_until(
            lambda: "sessions=0" in self.plant.tell("status first"), 5, "sessions given back"
        )
        self.assertIn("resets=0", self.plant.tell("status first"))


if __name__ == "__main__":
    unittest.main()
