#!/usr/bin/python3
"""The Redis adapter and the work queues against real servers: plain, with users, with TLS, in clusters."""
import json
import os
import re
import shutil
import tempfile
import unittest

from common import harness

import redis_server
from redis_rig import ADDED, STREAM, Client, Rig


class Plain(Rig):
    def setUp(self):
        self.server = self.start()

    def test_best_effort_is_published_to_whom_the_pattern_has(self):
        listener = self.client(self.server.port, name="listener")
        listener.tell("subscribe", "best_effort", "-", "events/+/x")
        listener.tell("subscribe", "best_effort", "-", "events/#")
        harness.wait_until(lambda: self.server.do("PUBSUB", "NUMPAT") == 2, 5, "subscribed")
        sender = self.client(self.server.port, name="sender")
        self.sends(sender, "taken", topic="other/a/x", guarantee="best_effort")
        self.sends(sender, "taken", topic="eventsmore/a/x", guarantee="best_effort")
        self.sends(sender, "taken", topic="events/a/x", guarantee="at_most_once")
        text = self.said(listener, "delivered")
        self.assertRegex(text, r'tag=0 again=0 at_most_once events/a/x \{"n":1\}')
        # Two patterns have it; it comes once. And what Redis' globs have too much does not come.
        self.silent(listener, "delivered")
        # Nothing of it stays.
        self.assertEqual(self.server.do("KEYS", "rise:stream:*"), [])

    def test_an_entry_can_be_read_by_others(self):
        client = self.client(self.server.port)
        self.sends(client, "taken")
        fields = self.server.entries(STREAM)[0]
        names = ["id", "topic", "type", "source", "time", "encoding", "payload"]
        self.assertEqual([name for name, _ in fields], names)
        self.assertEqual(dict(fields)["payload"], '{"n":1}')
        self.assertEqual(self.server.do("SMEMBERS", "rise:streams"), [STREAM])
        self.assertIn("name=test", self.server.do("CLIENT", "LIST"))

    def test_each_group_gets_all_and_its_consumers_share(self):
        one, two = (self.client(self.server.port, name=name, pool=3) for name in ("one", "two"))
        other = self.client(self.server.port, name="other")
        for client, group in ((one, "g"), (two, "g"), (other, "h")):
            self.subscribe(client, self.server, group=group)
        one.tell("burst", 200, 10, "events/b")
        self.said(one, "sent 1 taken=200")
        for number in range(200):
            self.assertIn(f" {number} ", self.said(other, "delivered") + " ", "in order")

        def shared():
            return one.health()["received"] + two.health()["received"] == 200

        harness.wait_until(shared, 5, "the two have all between them")
        harness.wait_until(lambda: self.server.pending(STREAM, "g") == 0, 5, "acknowledged")

    def test_what_was_not_acknowledged_comes_again_after_a_reconnect(self):
        client = self.client(self.server.port)
        self.subscribe(client, self.server)
        client.tell("ack", "no")
        self.sends(client, "taken")
        first = self.said(client, "delivered .*again=0")
        self.assertEqual(self.server.pending(STREAM, "g"), 1)
        self.server.do("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        second = self.said(client, "delivered .*again=1")
        tag = re.search(r"tag=(\d+)", second).group(1)
        self.assertIn(f"tag={tag} ", first)
        client.tell("ack", tag)
        harness.wait_until(lambda: self.server.pending(STREAM, "g") == 0, 5, "acknowledged")
        # The control: once acknowledged it does not.
        self.server.do("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        self.assertTrue(client.up())
        self.silent(client, "delivered")

    def test_what_a_dead_consumer_left_goes_to_another(self):
        dead = self.client(self.server.port, name="dead")
        self.subscribe(dead, self.server)
        dead.tell("ack", "no")
        self.sends(dead, "taken")
        self.said(dead, "delivered")
        alive = self.client(self.server.port, name="alive")
        alive.tell("subscribe", "at_least_once", "g", "events/#")
        # Slow is not dead: as long as it is not idle for claim_idle_ms it stays where it is.
        self.silent(alive, "delivered", 0.1)
        dead.process.kill()
        self.said(alive, "delivered .*again=1 at_least_once events/a")
        harness.wait_until(lambda: self.server.pending(STREAM, "g") == 0, 5, "acknowledged")

    def test_a_restarted_consumer_gets_its_own_again(self):
        first = self.client(self.server.port)
        self.subscribe(first, self.server)
        first.tell("ack", "no")
        self.sends(first, "taken")
        self.said(first, "delivered")
        first.process.kill()
        again = self.client(self.server.port, claim_idle_ms=600000)
        again.tell("subscribe", "at_least_once", "g", "events/#")
        self.said(again, "delivered .*again=1")

    def test_what_nobody_can_deal_with_goes_to_the_dead_letters(self):
        self.server.do("XGROUP", "CREATE", STREAM, "g", "$", "MKSTREAM")
        client = self.client(self.server.port, deliveries_max=2)
        self.sends(client, "taken")
        for _ in range(2):  # delivered to somebody who died of it, twice
            self.server.do("XREADGROUP", "GROUP", "g", "victim", "STREAMS", STREAM, ">")
            entry = self.server.do("XPENDING", STREAM, "g", "-", "+", 1)[0]
            self.server.do("XCLAIM", STREAM, "g", "victim", 0, entry[0])
        client.tell("subscribe", "at_least_once", "g", "events/#")
        harness.wait_until(lambda: self.server.do("XLEN", "rise:dead") == 1, 5, "put away")
        dead = dict(self.server.entries("rise:dead")[0])
        self.assertIn("delivered too often", dead["dead.reason"])
        self.assertEqual(dead["dead.stream"], STREAM)
        self.assertEqual(dead["payload"], '{"n":1}')
        harness.wait_until(lambda: self.server.pending(STREAM, "g") == 0, 5, "acknowledged")
        self.silent(client, "delivered", 0.2)

    def test_an_entry_that_is_no_message_goes_there_at_once(self):
        client = self.client(self.server.port)
        self.subscribe(client, self.server)
        self.server.do("XADD", STREAM, "*", "hello", "world")
        self.said(client, "malformed rise:stream:events .*no id")
        harness.wait_until(lambda: self.server.do("XLEN", "rise:dead") == 1, 5, "put away")
        self.assertEqual(dict(self.server.entries("rise:dead")[0])["dead.reason"], "no id")
        # What is a message still comes.
        self.sends(client, "taken")
        self.said(client, "delivered")
        self.server.do("PUBLISH", "rise:events/x", "no JSON")
        client.tell("subscribe", "best_effort", "-", "events/#")
        harness.wait_until(lambda: self.server.do("PUBSUB", "NUMPAT") == 1, 5, "subscribed")
        self.server.do("PUBLISH", "rise:events/x", "no JSON")
        self.said(client, "malformed rise:events/x not JSON")

    def test_without_room_nothing_is_lost(self):
        client = self.client(self.server.port)
        self.subscribe(client, self.server)
        client.tell("room", "no")
        client.tell("burst", 50, 10, "events/b")
        self.said(client, "full")
        # It is not offered again and again.
        self.silent(client, "full|delivered")
        client.tell("room", "yes")
        client.tell("resume")
        for number in range(50):
            self.assertIn(f" events/b {number} ", self.said(client, "delivered") + " ")

    def test_streams_that_come_up_later_are_found(self):
        client = self.client(self.server.port)
        client.tell("subscribe", "at_least_once", "g", "+/a")
        self.sends(client, "taken", topic="first/a")
        self.said(client, "delivered .* first/a")
        other = self.client(self.server.port, name="other")
        self.sends(other, "taken", topic="second/a")
        self.sends(other, "taken", topic="second/b")
        self.said(client, "delivered .* second/a")
        self.silent(client, "delivered")

    def test_a_stream_is_trimmed(self):
        client = self.client(self.server.port, stream_max_entries=100)
        client.tell("burst", 2000, 10, "events/b")
        self.said(client, "sent 1 taken=2000")
        # Whole nodes of 100 entries only.
        self.assertLess(self.server.do("XLEN", STREAM), 300)
        unlimited = self.client(self.server.port, stream_max_entries=0, name="unlimited")
        unlimited.tell("burst", 500, 10, "more/b")
        self.said(unlimited, "sent 1 taken=500")
        self.assertEqual(self.server.do("XLEN", "rise:stream:more"), 500)

    def test_too_large_and_too_much(self):
        client = self.client(self.server.port, message_bytes_max=1024, under_way_max=10)
        client.tell("burst", 1, 2000, "events/b")
        self.said(client, "sent 1 refused=1 .*message_bytes_max")
        self.server.do("CLIENT", "PAUSE", 300, "ALL")
        client.tell("burst", 8, 10, "events/b")
        client.tell("burst", 8, 10, "events/b")
        self.said(client, "busy")
        self.said(client, "sent 2 taken=8")

    def test_the_classic_queues(self):
        client = self.client(self.server.port, queues=1)
        client.tell("push", "queue:alerts", '{"level":3}')
        self.said(client, "pushed 1 taken 1")
        item = json.loads(self.server.do("LRANGE", "queue:alerts", 0, -1)[0])
        self.assertEqual(sorted(item), ["id", "payload", "queue", "timestamp"])
        self.assertEqual((item["queue"], item["payload"]), ("queue:alerts", {"level": 3}))
        self.assertRegex(item["timestamp"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$")
        client.tell("push", "queue:alerts", "{not JSON")
        self.said(client, "pushed 2 refused 0 .*not JSON")
        # Somebody else's, and nonsense; the oldest first.
        self.server.do("LPUSH", "queue:alerts", '{"id":5,"timestamp":1.5,"payload":[1]}')
        self.server.do("LPUSH", "queue:alerts", "nonsense")
        client.tell("listen", "queue:alerts", "queue:telemetry")
        self.said(client, r'popped queue:alerts \S+ \{"level":3\}')
        self.said(client, r"popped queue:alerts 5 \[1\]")
        self.said(client, "malformed queue:alerts not JSON")
        # One that waits gets it as it comes, and over a reconnect.
        self.server.do("LPUSH", "queue:telemetry", '{"payload":7}')
        self.said(client, "popped queue:telemetry  7")
        self.server.do("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        self.assertTrue(client.up())
        client.tell("push", "queue:telemetry", "8")
        self.said(client, "popped queue:telemetry .* 8")
        # No longer than items_max, which is 5 here.
        for _ in range(8):
            client.tell("push", "queue:economics", "1")
        self.said(client, "pushed 11 taken")
        harness.wait_until(
            lambda: self.server.do("LLEN", "queue:economics") == 5, 5, "the oldest have gone"
        )
        self.server.do("SET", "queue:telemetry2", "no list")
        client.tell("push", "queue:telemetry2", "1")
        self.said(client, "pushed 12 refused .*WRONGTYPE")


class Users(Rig):
    def test_users_and_what_they_may(self):
        server = self.start()
        server.do("ACL", "SETUSER", "rise", "on", ">secret", "~rise:stream:e*", "~rise:streams")
        server.do("ACL", "SETUSER", "rise", "&rise:*", "+@all")
        server.do("CONFIG", "SET", "requirepass", "other")
        wrong = self.client(server.port, up=False, user="rise", password="wrong")
        harness.wait_until(lambda: "WRONGPASS" in wrong.health()["why"], 5, "it says why")
        none = self.client(server.port, up=False)
        harness.wait_until(lambda: "NOAUTH" in none.health()["why"], 5, "it says why")
        for client in (wrong, none):
            client.tell("send", "at_least_once", "events/a", "1")
            self.said(client, "busy")
        right = self.client(server.port, user="rise", password="secret")
        self.sends(right, "taken")
        # Only streams that begin with e.
        self.sends(right, "refused", "NOPERM", topic="commands/a")
        default = self.client(server.port, password="other", name="default")
        self.sends(default, "taken", topic="commands/a")


class Tls(Rig):
    @classmethod
    def setUpClass(cls):
        if redis_server.WHY or not shutil.which("openssl"):
            raise unittest.SkipTest(redis_server.WHY or "openssl is missing")
        cls.folder = tempfile.mkdtemp(prefix="rise-tls-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        redis_server.certificates(cls.folder)

    def file(self, name):
        return os.path.join(self.folder, name)

    def test_over_tls(self):
        port = redis_server.free_port()
        server = self.start(
            *("--tls-port", port, "--tls-auth-clients", "no"),
            *(
                "--tls-cert-file",
                self.file("server.pem"),
                "--tls-key-file",
                self.file("server.key"),
            ),
            *("--tls-ca-cert-file", self.file("ca.pem")),
        )
        trusted = {"tls": 1, "ca": self.file("ca.pem")}
        client = self.client(port, server_name="redis.test", **trusted)
        self.subscribe(client, server)
        self.sends(client, "taken")
        self.said(client, "delivered")
        # More than one record of TLS, both ways.
        client.tell("burst", 20, 100000, "events/big")
        self.said(client, "sent 2 taken=20")
        for number in range(20):
            self.assertIn(f" events/big {number} ", self.said(client, "delivered"))
        server.do("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        self.assertTrue(client.up())
        for why, options in (
            ("does not match", {"server_name": "else.test", **trusted}),
            ("does not match", trusted),  # the address is no name
            ("not correctly signed", {"tls": 1, "ca": self.file("other.pem")}),
        ):
            with self.subTest(why=why, options=options):
                if "server_name" not in options and "other" in options["ca"]:
                    options = {**options, "server_name": "redis.test"}
                stranger = self.client(port, up=False, **options)
                harness.wait_until(lambda: why in stranger.health()["why"], 5, why)
                stranger.close()
        insecure = self.client(port, tls=1, insecure=1)
        self.sends(insecure, "taken")

    def test_a_server_without_tls(self):
        server = self.start()
        client = self.client(server.port, up=False, tls=1, ca=self.file("ca.pem"))
        harness.wait_until(lambda: "TLS" in client.health()["why"], 5, "it says why")

    def test_without_an_authority_nothing_starts(self):
        for options, why in (({}, "no ca_file"), ({"ca": "/nonexistent.pem"}, "/nonexistent.pem")):
            client = Client(1, tls=1, **options)
            self.addCleanup(client.close)
            self.assertRegex(client.first, f"error .*{why}")


class Clusters(Rig):
    def test_moved_and_ask(self):
        asked, answers = [], []

        def second_answer(words, _):
            asked.append(words[0])
            return b"+OK\r\n" if words[0] == b"ASKING" else ADDED

        second = self.fake(second_answer)

        def first_answer(words, _):
            answers.append(words)
            kind = b"ASK" if len(answers) == 1 else b"MOVED"
            return b"-%s 1234 127.0.0.1:%d\r\n" % (kind, second.port)

        client = self.client(self.fake(first_answer).port)
        self.sends(client, "taken")
        self.assertEqual(asked, [b"ASKING", b"XADD"])
        asked.clear()
        # ASK was for once; MOVED is for good, for this slot.
        self.sends(client, "taken")
        self.assertEqual((asked, len(answers)), ([b"XADD"], 2))
        self.assertEqual(client.health()["redirections"], 2)

    def test_round_and_round(self):
        port = []
        fake = self.fake(lambda words, _: b"-MOVED 1234 127.0.0.1:%d\r\n" % port[0])
        port.append(fake.port)
        client = self.client(fake.port, redirections_max=3)
        self.sends(client, "failed", "redirected too often")
        self.assertEqual(len(fake.commands), 4)
        nowhere = self.client(self.fake(lambda words, _: b"-MOVED 1 nowhere\r\n").port)
        self.sends(nowhere, "failed", "to nowhere")

    def test_three_nodes(self):
        cluster = redis_server.Cluster()
        self.addCleanup(cluster.close)
        ports = [server.port for server in cluster.servers]
        client = self.client(*ports, cluster=1)
        topics = [f"level{n}/a" for n in range(12)]
        client.tell("subscribe", "at_least_once", "g", "+/a")
        for topic in topics:
            self.sends(client, "taken", topic=topic)
        got = {self.said(client, "delivered").split()[4] for _ in topics}
        self.assertEqual(got, set(topics))
        # Nothing had to be redirected: the table says who has what.
        self.assertEqual(client.health()["redirections"], 0)
        self.assertTrue(all(server.do("DBSIZE") > 0 for server in cluster.servers))
        # A slot moves to another node.
        key = "rise:stream:level0"
        slot = cluster.servers[0].do("CLUSTER", "KEYSLOT", key)
        source = next(s for s in cluster.servers if s.do("CLUSTER", "COUNTKEYSINSLOT", slot) > 0)
        target = next(s for s in cluster.servers if s is not source)
        ids = {s: s.do("CLUSTER", "MYID") for s in (source, target)}
        target.do("CLUSTER", "SETSLOT", slot, "IMPORTING", ids[source])
        source.do("CLUSTER", "SETSLOT", slot, "MIGRATING", ids[target])
        source.do("MIGRATE", "127.0.0.1", target.port, key, 0, 5000)
        self.sends(client, "taken", topic="level0/a")  # ASK
        self.assertGreaterEqual(client.health()["redirections"], 1)
        for server in (target, source):
            server.do("CLUSTER", "SETSLOT", slot, "NODE", ids[target])
        self.sends(client, "taken", topic="level0/a")  # MOVED
        self.assertEqual(target.do("XLEN", key), 3)
        for _ in range(2):
            self.said(client, "delivered .* level0/a", 15)


if __name__ == "__main__":
    unittest.main()
