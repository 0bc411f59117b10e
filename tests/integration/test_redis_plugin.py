#!/usr/bin/python3
"""The redis plugin: from a core's lane into Redis Streams, whatever becomes of Redis meanwhile."""
import json
import os
import pathlib
import re
import signal
import subprocess
import time
import unittest
import urllib.request

from common import harness, lane_with

import redis_server

CONFIG = (
    lane_with("mill-1")
    + """[[plugin]]
name = "metrics"
[plugin.metrics]
listen = "127.0.0.1:0"
"""
)
STREAM = "rise:stream:telemetry"
# How long Redis is dead under the profile; a minute and more by hand: RISE_REDIS_OUTAGE_S=60
OUTAGE_S = float(os.environ.get("RISE_REDIS_OUTAGE_S", "5"))


@unittest.skipIf(redis_server.WHY, redis_server.WHY)
class RedisPlugin(unittest.TestCase):
    def setUp(self):
        self.plant = harness.Plant("redis-plugin")
        self.addCleanup(self.plant.close)

    def plugin(self, server, name="redis", store=None, **settings):
        """A [[plugin]] that brings telemetry to this server."""
        store = self.plant.folder / f"store-{name}" if store is None else store
        settings = {"publish": ["telemetry/#"], **settings}
        lines = "".join(f"{key} = {json.dumps(value)}\n" for key, value in settings.items())
        return (
            f'[[plugin]]\nname = "{name}"\nplugin = "redis"\n[plugin.redis]\n'
            f'port = {server.port}\nstore = "{store}"\n{lines}'
        )

    def start(self, server, more="", **settings):
        drivers = harness.OUT / "tests" / "drivers"
        core = f'driver_path = "{drivers.resolve()}"\n{CONFIG}'
        self.plant.start_core(core)
        plugin = self.plugin(server, **settings) if server else ""
        self.config = self.plant.write(
            "sidecar.toml", f'[core]\nname = "{self.plant.region}"\n{core}{plugin}{more}'
        )
        return self.plant.start_sidecar("--config", self.config)

    def server(self, *arguments):
        server = redis_server.Server(*arguments)
        self.addCleanup(server.close)
        return server

    def rise(self, *arguments):
        done = self.plant.rise(*arguments, "--region", self.plant.region)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def wait_well(self, names=("redis",)):
        def well():
            done = self.plant.rise("bus", "stats", "--json", "--region", self.plant.region)
            if done.returncode != 0:
                return False
            plugins = {p["name"]: p for p in json.loads(done.stdout)["plugins"]}
            return all(
                plugins[n]["state"] == "running" and plugins[n]["health"] == "good" for n in names
            )

        harness.wait_until(well, 20, f"{names} run and have their server")

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
        server = self.server()
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
        server = self.server("--appendonly", "yes", "--appendfsync", "always")
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
        server = self.server()
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
        server = self.server()
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

    def sent_from_outside(self, server, topic, payload, guarantee="exactly_once", uuid=None):
        uuid = uuid or f"018f3c2a-7b1e-7abc-8def-{self.next_id:012x}"
        self.next_id += 1
        fields = ["id", uuid, "topic", topic, "type", "Event", "source", "outside"]
        fields += ["time", "2026-01-31T12:00:00Z", "encoding", "json", "payload", payload]
        return server.do("XADD", "rise:stream:orders", "*", *fields, "guarantee", guarantee)

    next_id = 1

    def pending(self, server, group):
        return server.do("XPENDING", "rise:stream:orders", group)[0]

    def test_what_comes_in_is_on_the_bus_once(self):
        server = self.server()
        self.start(server, publish=["orders/#"], subscribe=["orders/#"], group="plant")
        self.wait_well()
        harness.wait_until(
            lambda: "plant" in str(server.do("XINFO", "GROUPS", "rise:stream:orders", check=False)),
            10,
            "the group is there",
        )
        tap = self.tap("orders/#", "--count", "3")
        uuid = "018f3c2a-7b1e-7abc-8def-00000000ffff"
        for _ in range(3):
            self.sent_from_outside(server, "orders/a", "1", uuid=uuid)
        self.sent_from_outside(server, "orders/b", "2")
        self.sent_from_outside(server, "orders/c", "3", guarantee="at_least_once")
        out, _ = tap.communicate(timeout=20)
        got = [json.loads(line) for line in out.splitlines()]
        self.assertEqual([m["payload"] for m in got], [1, 2, 3])
        harness.wait_until(lambda: self.pending(server, "plant") == 0, 10, "all acknowledged")
        # It was brought by us: it does not go back, though "publish" has its topic.
        self.assertEqual(server.do("XLEN", "rise:stream:orders"), 5)
        # The control: what is published here goes there.
        self.rise("bus", "publish", "orders/d", "4", "--guarantee", "at_least_once")
        harness.wait_until(
            lambda: server.do("XLEN", "rise:stream:orders") == 6, 10, "our own goes out"
        )

    def tap(self, *arguments):
        process = subprocess.Popen(
            [harness.BIN / "rise", "bus", "tap", *arguments, "--json"]
            + ["--region", self.plant.region],
            stdout=subprocess.PIPE,
            text=True,
        )

        def end():
            process.kill()
            process.communicate()

        self.addCleanup(end)
        harness.wait_until(
            lambda: '"tap"' in self.rise("bus", "stats", "--json"), 10, "the tap listens"
        )
        return process

    def test_packing_is_negotiated_between_sidecars(self):
        server = self.server()
        packs = {"pack": "negotiated", "guarantee": "exactly_once"}
        other = harness.Plant("redis-reader")
        self.addCleanup(other.close)
        self.start(server, publish=["orders/#"], **packs)
        self.wait_well()
        large = json.dumps(list(range(1000)))

        def send(number):
            self.rise("bus", "publish", f"orders/{number}", large, "--guarantee", "exactly_once")

        def packed():
            """-> whether the last of the stream is"""
            entries = server.entries("rise:stream:orders")
            return bool(entries) and dict(entries[-1]).get("schema") == "rise.bus.Packed"

        send(0)
        harness.wait_until(lambda: server.do("XLEN", "rise:stream:orders") == 1, 10, "it is there")
        self.assertFalse(packed())  # nobody reads who understands it
        plugin = self.plugin(
            server, store="", publish=[], subscribe=["orders/#"], group="g", **packs
        )
        config = other.write(
            "sidecar.toml", f'[core]\nname = "{other.region}"\n[[lane]]\nname = "main"\n{plugin}'
        )
        other.start_sidecar("--config", config)
        numbers = iter(range(1, 100))

        def sends_packed():
            send(next(numbers))
            time.sleep(0.2)
            return packed()

        harness.wait_until(sends_packed, 20, "packed for the other sidecar")
        self.assertLess(len(dict(server.entries("rise:stream:orders")[-1])["payload"]), 2500)
        self.plant, ours = other, self.plant
        tap = self.tap("orders/#", "--count", "3")
        self.plant = ours
        first = next(numbers)
        for number in range(first, first + 3):
            send(number)
        got = [json.loads(line) for line in tap.communicate(timeout=20)[0].splitlines()]
        self.assertEqual([m["topic"] for m in got], [f"orders/{first + i}" for i in range(3)])
        self.assertEqual(got[0]["payload"], json.loads(large))
        self.assertTrue(packed())
        other.sidecar.stop()

        def sends_readable():
            send(next(numbers))
            time.sleep(0.5)
            return not packed()

        harness.wait_until(sends_readable, 30, "as they are, when it has gone")

    def test_the_classic_work_queues(self):
        server = self.server()
        self.start(server, publish=[], push=["alarm/#=queue:alerts"], pop=["queue:economics"])
        self.wait_well()
        self.rise("bus", "publish", "alarm/mill-1", '{"level":3}')
        self.rise("bus", "publish", "alarm/mill-1", "no JSON")
        harness.wait_until(lambda: server.do("LLEN", "queue:alerts") == 1, 10, "it is pushed")
        item = json.loads(server.do("RPOP", "queue:alerts"))
        self.assertEqual(sorted(item), ["id", "payload", "queue", "timestamp"])
        self.assertEqual((item["queue"], item["payload"]), ("queue:alerts", {"level": 3}))
        tap = self.tap("queue/#", "--count", "1")
        server.do("LPUSH", "queue:economics", '{"id":"7","payload":{"cost":1.5}}')
        out = json.loads(tap.communicate(timeout=20)[0])
        self.assertEqual((out["topic"], out["payload"]), ("queue/economics", {"cost": 1.5}))
        self.assertEqual(out["headers"], [["queue", "queue:economics"]])

    def test_messages_of_other_programs(self):
        server = self.server()
        mapping = ["type=kind", "type.ALERT=Alarm", "payload=data", "source=from", "id=n"]
        self.start(
            server,
            publish=["orders/#"],
            subscribe=["orders/#"],
            subscribe_guarantee="at_least_once",
            foreign_map=mapping,
            foreign_topics=["orders/#"],
        )
        self.wait_well()
        harness.wait_until(
            lambda: "sidecar"
            in str(server.do("XINFO", "GROUPS", "rise:stream:orders", check=False)),
            10,
            "the group is there",
        )
        tap = self.tap("orders/#", "--count", "2")
        text = json.dumps({"kind": "ALERT", "n": 1, "from": "press", "data": {"a": 1}, "x": 2})
        server.do("XADD", "rise:stream:orders", "*", "json", text)
        server.do("XADD", "rise:stream:orders", "*", "kind", "Event", "n", "2", "from", "saw")
        server.do("XADD", "rise:stream:orders", "*", "json", "no JSON")
        out, _ = tap.communicate(timeout=20)
        one, two = (json.loads(line) for line in out.splitlines())
        self.assertEqual((one["topic"], one["type"], one["source"]), ("orders", "Alarm", "press"))
        self.assertEqual(one["payload"], {"a": 1})
        self.assertEqual((two["type"], two["source"], two["payload"]), ("Event", "saw", None))
        harness.wait_until(lambda: "not a JSON object" in self.rise("dlq", "list"), 10, "the third")
        # And back: as their JSON, without fields of ours.
        self.rise("bus", "publish", "orders/d", '{"b":2}', "--type", "Alarm")
        harness.wait_until(lambda: server.do("XLEN", "rise:stream:orders") == 4, 10, "it is there")
        ((name, value),) = server.entries("rise:stream:orders")[-1]
        self.assertEqual(name, "json")
        theirs = json.loads(value)
        self.assertEqual(theirs["kind"], "ALERT")
        self.assertEqual(theirs["data"], {"b": 2})

    def route(self, strategy):
        return (
            '[[route]]\ntopic = "telemetry/#"\nvia = ["one", "two"]\nfailback_s = 1\n'
            f'strategy = "{strategy}"\n'
        )

    def routes(self):
        return json.loads(self.rise("bus", "routes", "--json"))[0]

    def start_two(self, strategy):
        one, two = self.server(), self.server()
        plugins = self.plugin(one, "one", publish=[]) + self.plugin(two, "two", publish=[])
        self.start(None, plugins + self.route(strategy))
        self.wait_well(("one", "two"))
        return one, two

    def test_a_route_fails_over_and_back(self):
        one, two = self.start_two("failover")
        harness.wait_until(lambda: self.length(one) > 20, 20, "by the first")
        self.assertEqual(self.length(two), 0)
        one.kill()
        harness.wait_until(lambda: self.length(two) > 20, 20, "by the second")
        one.start()
        harness.wait_until(lambda: self.routes()["active"] == "one", 20, "back to the first")
        switches = [(s["from"], s["to"]) for s in self.routes()["switches"]]
        # At the start the first one may not have been there yet.
        self.assertEqual(switches[-2:], [("one", "two"), ("two", "one")])
        harness.wait_until(lambda: self.length(one) > 20, 20, "by the first again")
        text = self.rise("bus", "routes")
        self.assertRegex(text, r"(?m)^route/1  telemetry/#  failover, by one, ")
        self.assertRegex(text, r"(?m)^  \S+Z  one -> two$")
        self.assertIn("route/1 (telemetry/#) goes by two", self.plant.sidecar.output())

    def test_a_route_in_turn(self):
        one, two = self.start_two("round_robin")
        harness.wait_until(lambda: self.length(one) > 100, 20, "by the first")
        sent = {via["name"]: via["sent"] for via in self.routes()["via"]}
        self.assertLess(abs(sent["one"] - sent["two"]), 100)
        self.assertEqual(self.rise("dlq", "list"), "0 dead letters\n")

    def test_a_route_that_goes_nowhere_is_refused(self):
        config = self.plant.write(
            "bad.toml", self.route("failover").replace('"telemetry/#"', '"a/#/b"')
        )
        done = self.plant.rise("check", config)
        self.assertEqual(done.returncode, 2)
        for words in ("route.0.topic", "route.0.via.0", "no [[plugin]] of that name"):
            self.assertIn(words, done.stderr)

    def test_the_profile(self):
        """config/profiles/redis.toml, with ports and folders of our own: as rise run runs it."""
        server = self.server("--appendonly", "yes", "--appendfsync", "always")
        profile = pathlib.Path("config/profiles/redis.toml")
        checked = self.plant.rise("check", profile)
        self.assertEqual(checked.returncode, 0, checked.stderr)
        port = redis_server.free_port()
        text = profile.read_text()
        for old, new in (
            ('name = "rise"', f'name = "{self.plant.region}"'),
            ("127.0.0.1:18193", f"127.0.0.1:{port}"),
            ("port = 6379", f"port = {server.port}"),
            ("/var/tmp/rise-redis", str(self.plant.folder / "store")),
            ("enabled = true", f'enabled = true\nconfig = "{self.plant.folder}/controls.toml"'),
        ):
            self.assertIn(old, text)
            text = text.replace(old, new)
        controls = pathlib.Path("config/controls.toml").read_text()
        self.plant.write("controls.toml", controls.replace("18193", str(port)))
        config = self.plant.write("redis.toml", text)
        run = self.plant.start([harness.BIN / "rise", "run", "--config", config], name="rise run")
        harness.wait_until(lambda: self.length(server) > 100, 30, "telemetry in the stream")
        server.kill()
        time.sleep(OUTAGE_S)
        server.start()
        before = self.length(server)
        harness.wait_until(lambda: self.length(server) > before + 200, 30, "it goes on")
        run.stop()
        numbers = {}
        for entry in map(dict, server.entries(STREAM)):
            frame = json.loads(entry["payload"])
            numbers.setdefault(entry["topic"], set()).add(frame["sequence"])
        for topic, seen in numbers.items():
            self.assertEqual(seen, set(range(min(seen), max(seen) + 1)), f"{topic}: none is lost")


if __name__ == "__main__":
    unittest.main()
