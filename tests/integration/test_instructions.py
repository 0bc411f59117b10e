#!/usr/bin/python3
"""What work of the lane costs in instructions, beside what was accepted: tests/instructions."""
import concurrent.futures
import os
import sys
import unittest

from common import harness

sys.path.insert(0, str(harness.ROOT / "tests" / "instructions"))
import count  # noqa: E402
from accepted import show  # noqa: E402

WHY = count.reason_to_skip()


@unittest.skipIf(WHY, WHY)
class Instructions(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        names = count.scenarios()
        with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
            counts = pool.map(count.count, names)
            cls.again = pool.submit(count.count, "ring").result()
            cls.now = {(name, "instructions"): n for name, n in zip(names, counts)}

    def test_nothing_costs_more_than_what_was_accepted(self):
        of, known = count.ACCEPTED.read()
        if of != count.circumstances():
            self.skipTest(f"the accepted figures are of {of}; here is {count.circumstances()}")
        wrong = count.ACCEPTED.excess(known, self.now)
        self.assertEqual(wrong, [], "\n" + show(known, self.now))

    def test_work_that_was_planted_is_reported(self):
        figure = self.now[count.PLANTED, "instructions"]
        ring = {("ring", "instructions"): self.now["ring", "instructions"]}
        wrong = count.ACCEPTED.excess(ring, {("ring", "instructions"): figure})
        self.assertRegex(
            "".join(wrong), r"ring: instructions \d+ -> \d+ instructions \(\+[\d.]+ %\)"
        )

    def test_a_second_count_is_the_same(self):
        self.assertEqual(self.again, self.now["ring", "instructions"])


if __name__ == "__main__":
    unittest.main()
