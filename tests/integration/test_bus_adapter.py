#!/usr/bin/python3
"""What every adapter has to do (tests/bus_adapter): the Redis adapter does; and each fault is found."""
import concurrent.futures
import re
import subprocess
import unittest

from common import harness

import redis_server

PROGRAM = harness.OUT / "tests" / "bus_adapter"
# fault of the adapter -> the check that has to find it
FAULTS = {
    "loses": "nothing_is_lost_twice_or_out_of_order",
    "doubles": "nothing_is_lost_twice_or_out_of_order",
    "disorders": "nothing_is_lost_twice_or_out_of_order",
    "mangles": "a_message_arrives_whole",
    "is_silent": "each_batch_is_told_once",
    "repeats_itself": "each_batch_is_told_once",
    "hides_garbage": "garbage_is_told_and_passed_over",
    "takes_anything": "what_is_too_large_is_refused",
    "presses_on": "who_has_no_room_gets_it_later",
    "ignores_groups": "a_group_shares",
    "hides_its_health": "its_health_is_told",
    "speaks_after_its_end": "after_its_end_it_is_silent",
    "forgets_subscriptions": "a_link_that_breaks_is_made_anew",
    "forgets_early_subscriptions": "who_subscribes_before_he_connects_is_heard",
    "forgets_acknowledgements": "what_is_not_acknowledged_comes_again",
    "forgets_what_was_pending": "what_is_not_acknowledged_comes_again",
    "takes_what_it_cannot_send": "while_it_is_down_nothing_is_taken",
}


def run(*arguments):
    """-> (the checks that have failed, the output)"""
    done = subprocess.run(
        [PROGRAM, *map(str, arguments)], capture_output=True, text=True, timeout=200
    )
    failed = re.findall(r"^(\w+) +FAILED: ", done.stdout, re.M)
    return failed, done.stdout + done.stderr


class BusAdapter(unittest.TestCase):
    def test_the_one_in_this_process(self):
        failed, output = run("loop")
        self.assertEqual(failed, [], output)
        self.assertRegex(output, r"(?m)^19 passed, 0 failed, 0 skipped$")

    def test_each_fault_is_found(self):
        """By its check alone: the others would wait for what never comes."""
        # They mostly wait.
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            runs = {fault: pool.submit(run, "loop", fault, check) for fault, check in FAULTS.items()}
        for fault, check in FAULTS.items():
            with self.subTest(fault):
                failed, output = runs[fault].result()
                self.assertEqual(failed, [check], output)

    @unittest.skipIf(redis_server.WHY, redis_server.WHY)
    def test_redis(self):
        server = redis_server.Server()
        self.addCleanup(server.close)
        failed, output = run("redis", server.port)
        self.assertEqual(failed, [], output)
        self.assertRegex(output, r"(?m)^19 passed, 0 failed, 0 skipped$")


if __name__ == "__main__":
    unittest.main()
