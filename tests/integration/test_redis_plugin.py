#!/usr/bin/python3
"""The redis plugin: from a core's lane into Redis Streams, whatever becomes of Redis meanwhile."""
import json
import re
import signal
import unittest
import urllib.request

from common import harness

import redis_server

CONFIG = """[[lane]]
name = "main"
[[machine]]
name = "mill-1"
driver = "misbehaves"
[machine.misbehaves]
how = "none"
after = 1
[[plugin]]
name = "metrics"
[plugin.metrics]
listen = "127.0.0.1:0"
"""
STREAM = "rise:stream:telemetry"


@unittest.skipIf(redis_server.WHY, redis_server.WHY)
class RedisPlugin(unittest.TestCase):
    def setUp(self):
        self.plant = harness.Plant("redis-plugin")
        self.addCleanup(self.plant.close)

    def start(self, server, store=None):
        store = self.plant.folder / "store" if store is None else store
        drivers = harness.OUT / "tests" / "drivers"
        core = f'driver_path = "{drivers.resolve()}"\n{CONFIG}'
        self.plant.start_core(core)
        self.config = self.plant.write(
            "sidecar.toml",
            f'[core]\nname = "{self.plant.region}"\n{core}[[plugin]]\nname = "redis"\n[plugin.redis]\n'
            f'port = {server.port}\npublish = ["telemetry/#"]\nstore = "{store}"\n',
        )
        return self.plant.start_sidecar("--config", self.config)

    def sequences(self, server):
        """Of the frames in the stream, in its order."""
        out = []
        for _, fields in server.do("XRANGE", STREAM, "-", "+"):
            entry = dict(zip(fields[::2], fields[1::2]))
            out.append(json.loads(entry["payload"])["sequence"])
        return out

    def length(self, server):
        return server.do("XLEN", STREAM)

    def grows(self, server, by=50):
        before = self.length(server)
        harness.wait_until(lambda: self.length(server) >= before + by, 20, "the stream grows")

    def test_telemetry_streams_as_readable_json(self):
        server = redis_server.Server()
        self.addCleanup(server.close)
        self.start(server)
        harness.wait_until(lambda: self.length(server) > 20, 20, "frames in the stream")
        _, fields = server.do("XREVRANGE", STREAM, "+", "-", "COUNT", "1")[0]
        entry = dict(zip(fields[::2], fields[1::2]))
        self.assertEqual(entry["topic"], "telemetry/mill-1")
        self.assertEqual(entry["type"], "Telemetry")
        frame = json.loads(entry["payload"])
        self.assertEqual(frame["machine"], "mill-1")
        self.assertGreater(frame["signals"]["counter"], 0)
        self.assertRegex(frame["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$")

    def frames_of_core(self):
        return self.plant.view()["lanes"][0]["counters"]["frames_published"]

    def test_nothing_is_lost_while_redis_is_dead(self):
        server = redis_server.Server("--appendonly", "yes", "--appendfsync", "always")
        self.addCleanup(server.close)
        self.start(server)
        self.grows(server)
        for _ in range(2):
            server.kill()
            before = self.frames_of_core()
            harness.wait_until(lambda: self.frames_of_core() > before + 200, 20, "more frames")
            server.start()
            self.grows(server, 250)
        sequences = self.sequences(server)
        self.assertEqual(sorted(set(sequences)), list(range(min(sequences), max(sequences) + 1)))
        # At least once: what was under way may have come twice, and nothing else.
        self.assertLess(len(sequences) - len(set(sequences)), 2 * 256)

    def test_nothing_is_lost_when_the_sidecar_is_killed(self):
        server = redis_server.Server()
        self.addCleanup(server.close)
        self.start(server)
        for _ in range(5):
            self.grows(server)
            self.plant.sidecar.stop(signal.SIGKILL)
            self.plant.start_sidecar("--config", self.config)
        self.grows(server)
        ids = {}  # of messages -> the frame's number
        numbers = []
        for entry in map(dict, server.entries(STREAM)):
            number = json.loads(entry["payload"])["sequence"]
            self.assertEqual(ids.setdefault(entry["id"], number), number)
            numbers.append(number)
        self.assertEqual(sorted(set(numbers)), list(range(min(numbers), max(numbers) + 1)))
        # Whoever looks at the ids has each once.
        self.assertEqual(len(ids), len(set(numbers)))

    def test_without_a_store_nothing_is_promised(self):  # the control
        server = redis_server.Server()
        self.addCleanup(server.close)
        sidecar = self.start(server, store="")

        def metric(name):
            url = re.search(r"metrics at (http://\S+)", sidecar.output())
            if not url:
                return 0
            with urllib.request.urlopen(url.group(1), timeout=5) as answer:
                found = re.search(rf"^{name}(?:{{.*}})? (\S+)$", answer.read().decode(), re.M)
            return float(found.group(1)) if found else 0

        harness.wait_until(lambda: metric("rise_bus_dead_letters") > 20, 20, "dead letters")
        self.assertEqual(metric("rise_adapter_up"), 1)
        self.assertEqual(server.do("XLEN", STREAM), 0)


if __name__ == "__main__":
    unittest.main()
