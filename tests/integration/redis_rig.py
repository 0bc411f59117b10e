"""What the tests of the Redis adapter share: a client program that does what it is told, servers, a fake."""
import re
import unittest

from common import harness

import redis_fake
import redis_server
from told import Told

PROGRAM = harness.OUT / "tests" / "redis"
STREAM = "rise:stream:events"
ADDED = b"$3\r\n1-1\r\n"  # the answer to XADD


class Client(Told):
    KEEPS = True

    def __init__(self, *ports, **options):
        options["ports"] = ",".join(map(str, ports))
        super().__init__([PROGRAM], options)

    def up(self, seconds=10):
        return self.line("link up", seconds)

    def health(self):
        self.tell("health")
        text = self.line("health")
        numbers = {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)", text)}
        return {**numbers, "link": text.split()[1], "why": text.split("why=", 1)[1]}


@unittest.skipIf(redis_server.WHY, redis_server.WHY)
class Rig(unittest.TestCase):
    def start(self, *arguments, **more):
        server = redis_server.Server(*arguments, **more)
        self.addCleanup(server.close)
        return server

    def client(self, *ports, up=True, **options):
        client = Client(*ports, **options)
        self.addCleanup(client.close)
        self.assertEqual(client.first, "ready", "the test program started")
        if up:
            self.assertTrue(client.up(), "the link comes up")
        return client

    def fake(self, misbehave, **more):
        fake = redis_fake.Fake(misbehave, **more)
        self.addCleanup(fake.close)
        return fake

    def said(self, client, pattern, seconds=10):
        text = client.line(pattern, seconds)
        self.assertTrue(text, f"{pattern}: was not said; {client.lines}")
        return text

    def silent(self, client, pattern, seconds=0.4):
        self.assertIsNone(client.line(pattern, seconds))

    def sends(self, client, outcome, why="", topic="events/a", guarantee="at_least_once"):
        """Sends, until the link takes it; the outcome is this."""

        def taken():
            client.tell("send", guarantee, topic, '{"n":1}')
            text = client.line("sent|busy")
            return None if text == "busy" else text

        text = harness.wait_until(taken, 10, "the link takes a message")
        self.assertRegex(text, rf"^sent \d+ {outcome}=1 .*{why}")

    def subscribe(self, client, server, guarantee="at_least_once", group="g", pattern="events/#"):
        """Waits until Redis knows of it."""
        client.tell("subscribe", guarantee, group, pattern)

        def known():
            groups = server.do("XINFO", "GROUPS", STREAM, check=False)
            return isinstance(groups, list) and any(
                group in (name, "-") for name in sum(groups, [])
            )

        harness.wait_until(known, 5, "the group is there")
