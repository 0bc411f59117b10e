#!/usr/bin/python3
"""Older kernels: each thing that io_uring has learned since 5.1, taken away, and what the core makes of it.

What is not there answers with the error that those kernels give; what a ring does once it runs is not
in the reach of such a mask (tests/rtvm boots real kernels). Numbers of calls and operations: those of
x86-64 and arm64, from the kernel's headers."""
import errno
import itertools
import unittest

from common import harness

SETUP, REGISTER = 425, 427
# Second argument of io_uring_register.
RESTRICTIONS, FILES2, RING_FDS, PBUF_RING = 11, 13, 20, 22
PLAIN = "plain non-blocking calls"


NUMBERS = itertools.count(1)


def rule(call, error, operation=""):
    return f"{call}::{operation}={error}" if operation else f"{call}={error}"


# name: (since when it is there, rules, what the core must say it lacks; empty: it can do without)
LEVELS = {
    "no io_uring": ("5.1", [rule(SETUP, errno.ENOSYS)], "Function not implemented"),
    "forbidden": ("", [rule(SETUP, errno.EPERM)], "io_uring_disabled"),
    "no deferred completions": (
        "6.1",
        [rule(SETUP, errno.EINVAL)],
        "DEFER_TASKRUN needs Linux 6.1",
    ),
    "no restrictions": ("5.10", [rule(REGISTER, errno.EINVAL, RESTRICTIONS)], "restrictions: "),
    "no sparse files": ("5.19", [rule(REGISTER, errno.EINVAL, FILES2)], "fixed files: "),
    "no buffer rings": ("5.19", [rule(REGISTER, errno.EINVAL, PBUF_RING)], "buffer ring: "),
    "no ring descriptors": ("5.18", [rule(REGISTER, errno.EINVAL, RING_FDS)], ""),
}


class Kernels(unittest.TestCase):
    def start(self, rules):
        port = harness.free_ports(1)
        self.plant = self.enterContext(harness.Plant(f"kernels-{next(NUMBERS)}"))
        self.plant.start_simulator(harness.control_toml("m", port))
        prefix = [harness.OUT / "tests" / "without", *rules, "--"]
        self.plant.start_core(
            '[[lane]]\nname = "main"\n' + harness.machine_toml("m", port), prefix=prefix
        )
        self.plant.wait_up()
        return self.plant.view()["lanes"][0]

    def test_the_mask_itself_takes_nothing_away(self):
        lane = self.start([])
        if "io_uring" not in lane["io"]:
            self.skipTest("io_uring is not usable here: " + lane["io"])
        self.assertNotIn("io_uring", lane["shortfall"])

    def test_each_level(self):
        if "io_uring" not in self.start([])["io"]:
            self.skipTest("io_uring is not usable here")
        for name, (since, rules, lack) in LEVELS.items():
            with self.subTest(name, since=since):
                lane = self.start(rules)
                if lack:
                    self.assertEqual(lane["io"], PLAIN)
                    self.assertIn(lack, self.plant.core.output())
                    self.assertIn("io_uring not usable", lane["shortfall"])
                else:
                    self.assertIn("io_uring: one enter", lane["io"])
                samples = self.plant.machine("m")["counters"]["samples"]
                harness.wait_until(
                    lambda: self.plant.machine("m")["counters"]["samples"] > samples + 20,
                    10,
                    "sweeps go on",
                )
                self.assertEqual(self.plant.core.stop(), 0)


if __name__ == "__main__":
    unittest.main()
