#!/usr/bin/python3
"""The Redis adapter against servers that die, refuse, are slow, and against one that misbehaves."""
import threading
import time
import unittest

from common import harness

from redis_rig import ADDED, STREAM, Rig


class Trouble(Rig):
    def test_killed_and_started_again(self):
        server = self.start()
        client = self.client(server.port)
        self.subscribe(client, server)
        self.sends(client, "taken")
        self.said(client, "delivered")
        server.kill()
        self.said(client, "link connecting")

        # One of its connections may not have noticed yet: then it is taken, and told as failed.
        def busy():
            client.tell("send", "at_least_once", "events/a", "1")
            text = client.line("sent|busy")
            self.assertRegex(text, r"^busy|^sent \d+ failed=1")
            return text == "busy"

        harness.wait_until(busy, 10, "nothing is taken")
        self.assertRegex(client.health()["why"], f"127.0.0.1:{server.port}: ")
        server.start()
        self.assertTrue(client.up())
        # It has forgotten everything; the group is made anew.
        self.sends(client, "taken")
        self.said(client, "delivered")
        self.assertGreaterEqual(client.health()["reconnects"], 1)

    def test_killed_while_something_is_under_way(self):
        server = self.start()
        client = self.client(server.port)
        server.do("CLIENT", "PAUSE", 5000, "ALL")
        client.tell("send", "at_least_once", "events/a", "1")
        self.silent(client, "sent", 0.1)
        server.kill()
        self.said(client, "sent 1 failed=1")
        self.assertEqual(client.health()["failed"], 1)

    def test_slow_answers(self):
        server = self.start("--enable-debug-command", "yes")
        client = self.client(server.port)
        slow = threading.Thread(target=lambda: server.do("DEBUG", "SLEEP", "0.5"))
        slow.start()
        time.sleep(0.1)
        self.sends(client, "taken")  # slow, but within the time
        slow.join()
        self.assertEqual(client.health()["reconnects"], 0)
        server.do("CLIENT", "PAUSE", 1800, "ALL")
        client.tell("send", "at_least_once", "events/a", "1")
        self.said(client, "sent 2 failed=1 .*no answer within 1000 ms")
        self.assertTrue(client.up())

    def test_a_server_that_does_not_even_answer_a_greeting(self):
        silent = self.fake(lambda words, _: b"", greeting=lambda words: b"+")
        client = self.client(silent.port, up=False, connect_timeout_ms=200)
        self.said(client, "link connecting connecting")
        harness.wait_until(lambda: silent.connections >= 3, 5, "it tries again")
        self.assertIn("not connected within 200 ms", client.health()["why"])

    def test_a_replica_does_not_take_it(self):
        master, replica = self.start(), self.start()
        replica.do("REPLICAOF", "127.0.0.1", master.port)
        harness.wait_until(
            lambda: "master_link_status:up" in replica.do("INFO", "replication"), 10, "replicates"
        )
        client = self.client(replica.port)
        self.sends(client, "failed", "READONLY")
        self.assertIn("READONLY", client.health()["why"])
        # With somewhere else to go it goes there.
        both = self.client(replica.port, master.port, name="both")
        self.sends(both, "failed", "READONLY")
        self.assertTrue(both.up())
        self.sends(both, "taken")
        # Once it is a master, the first does, too.
        replica.do("REPLICAOF", "NO", "ONE")
        self.sends(client, "taken")

    def test_out_of_memory(self):
        server = self.start("--maxmemory-policy", "noeviction")
        client = self.client(server.port)
        self.sends(client, "taken")
        server.do("CONFIG", "SET", "maxmemory", 1)
        self.sends(client, "failed", "OOM")
        self.assertIn("OOM", client.health()["why"])
        self.assertEqual(client.health()["link"], "up")
        server.do("CONFIG", "SET", "maxmemory", 0)
        self.sends(client, "taken")

    def test_wrong_type(self):
        server = self.start()
        server.do("SET", STREAM, "text")
        client = self.client(server.port)
        self.sends(client, "refused", "WRONGTYPE")
        server.do("DEL", STREAM)
        self.sends(client, "taken")

    def test_half_answers(self):
        # Each is cut off, or goes on for ever.
        for half in (b"$10\r\nabc", b"*2\r\n:1\r\n", b"$3\r\n1-", b":1", b"-ERR"):
            with self.subTest(half=half):
                told = []

                def misbehave(words, connection, half=half, told=told):
                    told.append(words)
                    if len(told) > 1:
                        return ADDED
                    connection.sendall(half)
                    return None

                fake = self.fake(misbehave)
                client = self.client(fake.port)
                self.sends(client, "failed", "closed")
                self.assertTrue(client.up())
                self.sends(client, "taken")
                client.close()

    def test_an_answer_that_stays_half(self):
        fake = self.fake(lambda words, _: b"$3\r\n1-")
        client = self.client(fake.port, command_timeout_ms=200)
        self.sends(client, "failed", "no answer within 200 ms")

    def test_torn_answers_are_whole_in_the_end(self):
        def torn(words, connection):
            for byte in ADDED[:-1]:
                connection.sendall(bytes([byte]))
                time.sleep(0.002)
            return ADDED[-1:]

        client = self.client(self.fake(torn).port)
        self.sends(client, "taken")

    def test_garbage_and_lengths_without_measure(self):
        for answer, why in (
            (b"HTTP/1.1 400 Bad Request\r\n\r\n", "no answer of Redis"),
            (b"*2147483647\r\n", "elements"),
            (b"*99999999999999999999\r\n", "no answer of Redis"),
            (b"$400000000\r\n" + b"x" * 9000, "more than 4096 bytes"),
            (ADDED + ADDED, "nothing that was asked"),
        ):
            with self.subTest(answer=answer[:24]):
                fake = self.fake(lambda words, _, answer=answer: answer)
                client = self.client(fake.port, reply_bytes=4096)
                client.tell("send", "at_least_once", "events/a", "1")
                self.said(client, "sent 1")
                self.said(client, f"link connecting .*{why}")
                client.close()

    def test_loading(self):
        begun = time.monotonic()

        def greeting(words):
            if words[0] == b"PING" and time.monotonic() - begun < 0.5:
                return b"-LOADING Redis is loading the dataset in memory\r\n"
            return None

        fake = self.fake(lambda words, _: ADDED, greeting=greeting)
        client = self.client(fake.port, up=False)
        harness.wait_until(lambda: "LOADING" in client.health()["why"], 5, "it says why")
        self.assertTrue(client.up())
        self.sends(client, "taken")
        # While it is connected, likewise.
        answers = [b"-LOADING Redis is loading the dataset in memory\r\n", ADDED]
        second = self.client(self.fake(lambda words, _: answers.pop(0)).port)
        self.sends(second, "failed", "LOADING")
        self.sends(second, "taken")

    def test_other_errors(self):
        for text, outcome in (
            ("MISCONF Errors writing to the AOF file", "failed"),
            ("CLUSTERDOWN Hash slot not served", "failed"),
            ("BUSY Redis is busy running a script", "failed"),
            ("NOPERM this user has no permissions", "refused"),
            ("ERR unknown command 'XADD'", "refused"),
        ):
            with self.subTest(text=text):
                fake = self.fake(lambda words, _, text=text: f"-{text}\r\n".encode())
                client = self.client(fake.port)
                self.sends(client, outcome, text.split()[0])
                client.close()


if __name__ == "__main__":
    unittest.main()
