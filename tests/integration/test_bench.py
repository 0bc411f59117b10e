#!/usr/bin/python3
"""What bench/README.md says of the benches is what they are, and what they have measured."""
import sys
import unittest

from common import harness

sys.path.insert(0, str(harness.ROOT / "bench"))
import benches  # noqa: E402
import readme  # noqa: E402

RESULTS = {
    "machine": {
        "utc": "2026-01-02T03:04:05Z",
        "cpu": "a | cpu",
        "cores": 2,
        "hypervisor": False,
        "kernel": "6.1",
        "preemption": "PREEMPT_RT",
        "distribution": "Debian",
        "clocksource": "tsc",
        "governor": "",
        "isolated": "1",
        "revision": "abc",
    },
    "full": True,
    "figures": [
        {"bench": "ring", "name": "ring.a", "value": 1.25, "unit": "us"},
        {"bench": "ring", "name": "ring.b", "value": 15e6, "unit": "", "goal": ">= 2", "met": True},
        {"bench": "wakeup", "name": "w", "value": 3, "unit": "x", "goal": "<= 1.1", "met": False},
    ],
}


class Readme(unittest.TestCase):
    def test_its_table_is_what_the_kept_results_give(self):
        kept = readme.kept()
        expected = [] if kept is None else readme.table(kept)
        self.assertEqual(readme.between(readme.README.read_text()), expected)

    def test_a_table_by_hand(self):
        lines = readme.table(RESULTS)
        self.assertTrue(lines[0].startswith("2026-01-02T03:04:05Z, long runs: a / cpu, 2 cores; "))
        self.assertEqual(lines[4], "| ring | ring.a | 1.25 us |  |  |")
        self.assertEqual(lines[5], "|  | ring.b | 15000000 | >= 2 | met |")
        self.assertEqual(lines[6], "| wakeup | w | 3 x | <= 1.1 | not met |")

    def test_what_is_written_is_what_is_read_and_a_changed_figure_is_seen(self):
        text = f"before\n{readme.BEGIN}\nold\n{readme.END}\nbehind\n"
        written = readme.with_table(text, readme.table(RESULTS))
        self.assertEqual(readme.between(written), readme.table(RESULTS))
        self.assertTrue(written.startswith("before\n") and written.endswith("behind\n"))
        changed = written.replace("1.25 us", "1.20 us")
        self.assertNotEqual(readme.between(changed), readme.table(RESULTS))

    def test_every_bench_is_in_its_list(self):
        text = readme.README.read_text()
        for name in benches.ALL:
            self.assertIn(f"\n| {name} |", text, name)


if __name__ == "__main__":
    unittest.main()
