#!/usr/bin/python3
"""TCP over DPDK against the kernel's TCP, over a veth pair in network namespaces."""
import contextlib
import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time
import unittest

from common import harness
from middle import SYN
from tcp_lane import AGAIN, ARGUMENT, BY_PEER, BY_US, CLOSED, LIMIT, PORT, REFUSED, RESET, TIMEOUT
from tcp_lane import Program, pattern, reset
import tcp_lane
import veth


class Traffic(tcp_lane.Tcp):
    def test_bytes_go_there_and_come_back(self):
        program = self.start()
        self.serve()
        stream = self.connect(program)
        self.assertEqual(program.ask("sent", "send", stream, "hello"), [0])
        self.assertEqual(program.line("got"), f"got {stream} hello")
        self.assertEqual(program.ask("sent", "close", stream), [0])
        self.assert_closed(program, stream, BY_US)
        self.assertEqual(program.ask("sent", "close", stream), [CLOSED])
        self.assertEqual(program.ask("sent", "send", stream, "x"), [CLOSED])
        figures = program.figures()
        self.assertEqual((figures["opened"], figures["failed"]), (1, 0))
        self.assertEqual((figures["bytes_sent"], figures["bytes_received"]), (5, 5))
        self.assertEqual(figures["questions"], 1, "one ARP request")
        self.assertEqual((figures["tcp_streams"], figures["tcp_faults"]), (0, 0))

    def test_big_transfers_both_ways_at_once(self):
        program = self.start()
        self.serve()
        stream = self.connect(program)
        size = 3_000_000
        program.tell("expect", stream)
        program.tell("blast", stream, size)
        self.assertEqual(program.line("blasted", 60), f"blasted {stream} {size}")
        figures = self.wait_figures(program, lambda f: f["got"] == size, "all came back")
        self.assertEqual(figures["wrong"], 0)
        self.assertGreater(figures["send_queue_full"], 0, "more was offered than 8 KiB at a time")
        self.assertLessEqual(figures["most_in_exchange"], 16 * 1024)
        self.assertEqual((figures["tcp_unsent"], figures["tcp_no_memory"]), (0, 0))
        program.tell("close", stream)
        self.assert_closed(program, stream, BY_US)
        self.wait_figures(program, lambda f: f["buffers_free"] == 4095, "every buffer came back")

    def test_the_peer_gets_what_was_queued_before_the_close_and_then_an_end(self):
        heard = []

        def serve(connection):
            while data := connection.recv(65536):
                heard.append(data)
                time.sleep(0.002)
            heard.append(None)

        program = self.start()
        self.serve(serve)
        stream = self.connect(program)
        texts = [chr(ord("a") + i) * 400 for i in range(20)]
        for text in texts:
            program.tell("send", stream, text)
        program.tell("close", stream)
        self.assert_closed(program, stream, BY_US)
        harness.wait_until(lambda: None in heard, 5, "the peer sees the end")
        self.assertEqual(b"".join(heard[:-1]).decode(), "".join(texts))

    def test_eight_at_once(self):
        program = self.start(capacity=8)
        self.serve()
        size = 200_000
        streams = [program.open(self.pair.PEER_ADDRESS) for _ in range(8)]
        self.assertEqual(streams, list(range(8)))
        self.assertEqual(program.open(self.pair.PEER_ADDRESS), LIMIT)
        for _ in streams:
            self.assertTrue(program.line("opened|closed").startswith("opened"))
        for stream in streams:
            program.tell("expect", stream)
            program.tell("blast", stream, size)
        figures = self.wait_figures(program, lambda f: f["got"] == 8 * size, "all came back", 60)
        self.assertEqual(figures["wrong"], 0)
        for stream in streams:
            program.tell("close", stream)
            self.assert_closed(program, stream, BY_US)
        self.assertEqual(program.open(self.pair.PEER_ADDRESS), 7, "numbers are used anew")

    def test_opening_and_closing_many_times(self):
        program = self.start(capacity=2)
        self.serve()
        for _ in range(300):  # more than lwIP has connections, so that old ones must go
            stream = self.connect(program)
            program.tell("close", stream)
            self.assert_closed(program, stream, BY_US)
        figures = program.figures()
        self.assertEqual((figures["opened"], figures["failed"]), (300, 0))
        self.assertEqual((figures["tcp_streams"], figures["tcp_faults"]), (0, 0))
        self.assertEqual(figures["buffers_free"], 4095)

    def test_datagrams_beside_streams(self):
        program = self.start(datagrams=7000)
        self.serve()
        stream = self.connect(program)
        with self.pair.udp() as peer:
            for i in range(20):
                peer.sendto(b"datagram", (self.pair.OUR_ADDRESS, 7000))
                self.assertEqual(peer.recv(100), b"datagram")
                program.tell("send", stream, f"text{i}")
                self.assertEqual(program.line("got"), f"got {stream} text{i}")
        self.assertEqual(program.figures()["datagrams"], 20)

    def test_a_known_neighbour_needs_no_arp(self):
        known = f"{self.pair.PEER_ADDRESS}={self.pair.PEER_MAC}"
        program = self.start(neighbour=known)
        self.serve()
        self.connect(program)
        self.assertEqual(program.figures()["questions"], 0)

    def test_through_a_gateway(self):
        far = "10.99.0.1"
        veth.ip("-n", self.pair.theirs, "link", "set", "lo", "up")
        veth.ip("-n", self.pair.theirs, "address", "add", far + "/32", "dev", "lo")
        program = self.start(gateway=self.pair.PEER_ADDRESS)
        self.serve(address=far)
        stream = program.open(far)
        self.assertEqual(program.line("opened|closed"), f"opened {stream}")
        program.tell("send", stream, "far")
        self.assertEqual(program.line("got"), f"got {stream} far")

    def test_numbers_that_must_not_be_guessed(self):
        program = self.start(capacity=16)
        self.serve()
        with self.pair.raw() as raw:
            for _ in range(16):
                program.open(self.pair.PEER_ADDRESS)
            starts = []
            end = time.monotonic() + 5
            while len(starts) < 16 and time.monotonic() < end:
                with contextlib.suppress(TimeoutError):
                    heard = raw.recv(2048)
                    if heard[12:14] == b"\x08\x00" and heard[23] == 6 and heard[47] == SYN:
                        starts.append(struct.unpack("!HxxI", heard[34:42]))
        ports = [port for port, _ in starts]
        self.assertTrue(all(port >= 49152 for port in ports), ports)
        for numbers in ([p for p, _ in starts], [s for _, s in starts]):
            gaps = {b - a for a, b in zip(numbers, numbers[1:])}
            self.assertGreater(len(gaps), 12, "they follow no rule")


class Ends(tcp_lane.Tcp):
    """How streams end, and how they never begin: as those over the kernel's sockets do."""

    def refused(self, program, host, reason, timeout_ms=3000, port=PORT):
        stream = program.open(host, port, timeout_ms)
        self.assertGreaterEqual(stream, 0)
        self.assertEqual(program.line("opened|closed"), f"closed {stream} {reason}")

    def test_connect_refused(self):
        program = self.start()
        self.refused(program, self.pair.PEER_ADDRESS, REFUSED)
        self.assertEqual(program.figures()["failed"], 1)

    def test_nobody_has_the_address(self):
        program = self.start()
        started = time.monotonic()
        self.refused(program, self.pair.NETWORK + "77", TIMEOUT, timeout_ms=300)
        self.assertGreater(time.monotonic() - started, 0.29)
        self.refused(program, "8.8.8.8", REFUSED)  # there is no gateway

    def test_a_peer_that_does_not_answer(self):
        # An address that is not the peer's, at the peer's card: he drops what comes for it.
        silent = self.pair.NETWORK + "99"
        program = self.start(neighbour=f"{silent}={self.pair.PEER_MAC}")
        self.refused(program, silent, TIMEOUT, timeout_ms=1500)
        self.assertGreater(program.figures()["tcp_sent_again"], 2, "SYNs were repeated")
        self.assertLess(program.figures()["tcp_sent_again"], 8, "but ever more seldom")
        stream = program.open(silent, timeout_ms=10_000)
        time.sleep(0.1)
        self.assertEqual(program.ask("sent", "close", stream), [0])
        self.assert_closed(program, stream, BY_US)

    def test_hosts_that_are_none(self):
        program = self.start()
        own = self.pair.OUR_ADDRESS
        for host in ("localhost", "peer.example", "10.77.0", "::1", own, "127.0.0.1", "0.0.0.0"):
            self.assertEqual(program.open(host), ARGUMENT, host)
        for host in ("224.0.0.1", "255.255.255.255", "10.77.0.255", "1.2.3.4.5", "x" * 300):
            self.assertEqual(program.open(host), ARGUMENT, host)
        self.assertEqual(program.open(self.pair.PEER_ADDRESS, 0), ARGUMENT)

    def test_the_peer_closes_after_its_bytes(self):
        def serve(connection):
            connection.sendall(pattern(50_000))
            connection.close()

        program = self.start()
        self.serve(serve)
        stream = program.open(self.pair.PEER_ADDRESS)
        self.assert_closed(program, stream, BY_PEER)
        self.assertEqual(program.figures()["bytes_received"], 50_000)
        self.assertEqual(program.ask("sent", "send", stream, "x"), [CLOSED])

    def test_the_peer_closes_one_direction_and_still_gets_what_was_sent(self):
        heard = []

        def serve(connection):
            heard.append(connection.recv(100))
            connection.shutdown(socket.SHUT_WR)
            while data := connection.recv(100):
                heard.append(data)
            heard.append(None)

        program = self.start()
        self.serve(serve)
        stream = self.connect(program)
        program.tell("send", stream, "first")
        self.assert_closed(program, stream, BY_PEER)
        harness.wait_until(lambda: None in heard, 5, "we close, too")
        self.assertEqual(heard[0], b"first")

    def test_the_peer_resets(self):
        program = self.start()
        self.serve(lambda connection: (connection.recv(100), reset(connection)))
        stream = self.connect(program)
        program.tell("send", stream, "go")
        self.assert_closed(program, stream, RESET)

    def test_the_peer_reads_nothing(self):
        program = self.start()
        done = threading.Event()
        self.addCleanup(done.set)
        self.serve(lambda connection: done.wait(20))
        stream = self.connect(program)
        program.tell("blast", stream, 20_000_000)
        # The peer's socket takes some megabytes at most; then the driver is told so.
        before = {}

        def stands():
            figures = program.figures()
            same = figures["bytes_sent"] == before.get("bytes_sent")
            before.update(figures)
            time.sleep(0.3)
            return same

        harness.wait_until(stands, 30, "nothing moves any more")
        answers = [program.ask("sent", "send", stream, "x" * 400)[0] for _ in range(21)]
        self.assertEqual(answers[-1], AGAIN)
        started = time.monotonic()
        program.tell("close", stream)
        self.assert_closed(program, stream, BY_US)  # half a second, then it is reset
        self.assertLess(time.monotonic() - started, 5)
        self.wait_figures(program, lambda f: f["buffers_free"] == 4095, "every buffer came back")

    def test_a_peer_that_floods_is_slowed_down(self):
        program = self.start()

        def serve(connection):
            with contextlib.suppress(OSError):
                connection.sendall(pattern(8_000_000))
                connection.recv(1)

        self.serve(serve)
        stream = self.connect(program)
        program.tell("expect", stream)
        program.tell("pause", 300)
        self.assertIsNotNone(program.line("paused"))
        figures = self.wait_figures(program, lambda f: f["got"] == 8_000_000, "all is here", 60)
        self.assertEqual(figures["wrong"], 0)
        self.assertGreater(figures["most_in_exchange"], 8 * 1024, "it did flood")
        self.assertLessEqual(figures["most_in_exchange"], 16 * 1024, "and was held back")

    def test_a_program_that_was_killed_connects_again(self):
        self.serve()
        for _ in range(3):  # the peer still holds the old connections
            program = self.start()
            stream = self.connect(program)
            program.tell("send", stream, "hello")
            self.assertEqual(program.line("got"), f"got {stream} hello")
            program.process.kill()
            program.process.wait(timeout=5)

    def test_peers_hear_of_the_end_of_the_program(self):
        heard = []

        def serve(connection):
            try:
                heard.append(connection.recv(100))
            except ConnectionResetError:
                heard.append("reset")

        program = self.start()
        self.serve(serve)
        self.connect(program)
        program.close()
        harness.wait_until(lambda: heard, 5, "the peer hears of it")
        self.assertEqual(heard, ["reset"])


class Realtime(tcp_lane.Tcp):
    def busy(self, program, stream, rounds=200):
        for i in range(rounds):
            program.tell("send", stream, f"{i}")
            self.assertEqual(program.line("got"), f"got {stream} {i}")

    def test_no_allocation_lock_print_or_page_fault_in_an_exchange(self):
        guard = {"LD_PRELOAD": str(harness.GUARD), "RISE_GUARD": "abort"}
        program = self.start(lock=1, env=guard)
        self.serve()
        stream = self.connect(program)
        self.busy(program, stream)
        program.tell("expect", stream)
        program.tell("blast", stream, 500_000)
        self.assertIsNotNone(program.line("blasted", 30))
        for host, reason in ((self.pair.NETWORK + "77", TIMEOUT), ("8.8.8.8", REFUSED)):
            other = program.open(host, timeout_ms=200)
            self.assert_closed(program, other, reason)
        program.tell("close", stream)
        self.assert_closed(program, stream, BY_US)
        self.assertEqual(program.figures()["faults"], 0)
        self.assertIsNone(program.process.poll(), "the guard has not ended it")

    def test_the_guard_would_see_an_allocation(self):
        guard = {"LD_PRELOAD": str(harness.GUARD), "RISE_GUARD": "abort"}
        program = self.start(sin=1, env=guard)
        self.serve()
        stream = self.connect(program)
        program.tell("send", stream, "x")
        self.assertEqual(program.process.wait(timeout=10), -signal.SIGABRT)

    def test_system_calls_are_those_of_the_pmd_when_it_sends(self):
        if shutil.which("strace") is None:
            self.skipTest("strace is not installed")
        program = self.start()
        self.serve()
        stream = self.connect(program)
        report = os.path.join(self.folder(), "strace.txt")
        strace = subprocess.Popen(
            ["strace", "-c", "-o", report, "-p", str(program.process.pid)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.addCleanup(strace.kill)
        time.sleep(1)
        self.busy(program, stream, 100)
        strace.send_signal(signal.SIGINT)
        strace.wait(timeout=10)
        calls = {}
        with open(report) as file:
            for line in file:
                fields = line.split()
                if len(fields) >= 5 and fields[3].isdigit() and fields[-1] != "total":
                    calls[fields[-1]] = int(fields[3])
        if "clock_nanosleep" not in calls:
            self.skipTest("strace may not attach to a process here")
        # The program's own: it sleeps, reads its input, counts its page faults, says what it got.
        own = {"clock_nanosleep", "read", "getrusage", "write", "restart_syscall"}
        self.assertEqual(set(calls) - own, {"sendto"})
        self.assertGreater(calls["clock_nanosleep"], calls["sendto"])

    def folder(self):
        made = tempfile.mkdtemp(prefix="rise-dpdk-tcp-")
        self.addCleanup(shutil.rmtree, made, ignore_errors=True)
        return made


class Focas(tcp_lane.Tcp):
    """The core, its lane and the real focas driver; simulated controls on the kernel's TCP."""

    def start_controls(self, plant, count):
        controls = plant.write(
            "controls.toml",
            harness.control_toml("m", PORT, count=count, address=self.pair.PEER_ADDRESS),
        )
        simulator = plant.start(
            [*self.pair.prefix(self.pair.theirs), harness.BIN / "cncsim", "--config", controls],
            name="cncsim",
        )
        harness.wait_until(
            lambda: "ready" in simulator.output(), 20, "simulated controls are ready"
        )
        return simulator

    def start_core(self, plant, count, env=None, address=None):
        machines = "".join(
            harness.machine_toml(f"m{i}", PORT + i).replace(
                "127.0.0.1", address or self.pair.PEER_ADDRESS
            )
            for i in range(count)
        )
        plant.start_core(
            '[[lane]]\nname = "main"\nstreams = "dpdk"\n[lane.dpdk]\n'
            f'device = "net_af_packet0,iface={self.pair.port}"\n'
            f'address = "{self.pair.OUR_ADDRESS}/24"\n' + machines,
            env=env,
            prefix=self.pair.prefix(self.pair.ours),
        )

    def end(self, plant):
        """-> what it said."""
        plant.core.stop()
        return plant.core.output()

    def test_machines_are_read_and_come_back(self):
        count = 4
        with harness.Plant("dpdk-focas") as plant:
            simulator = self.start_controls(plant, count)
            self.start_core(plant, count)
            plant.wait_up(20)
            before = plant.view()
            time.sleep(2)
            after = plant.view()
            for old, new in zip(before["machines"], after["machines"]):
                samples = new["counters"]["samples"] - old["counters"]["samples"]
                self.assertGreater(samples, 50, f"{new['name']} is read every 10 ms")
            self.assertTrue(plant.signal("m0", "axis.x.position")["valid"])
            simulator.stop(signal.SIGKILL)
            harness.wait_until(
                lambda: all(m["link"] != "up" for m in plant.view()["machines"]),
                10,
                "the loss of the controls is seen",
            )
            self.start_controls(plant, count)
            plant.wait_up(30)
            lane = plant.view()["lanes"][0]
            self.assertIn("with TCP", lane["io"])
            self.assertEqual(lane["shortfall"], "")
            self.assertEqual(lane["counters"]["drivers_benched"], 0, "the seal lets DPDK through")
            self.assertIn("tcp_faults=0", self.end(plant))

    def test_no_allocation_in_a_cycle(self):
        guard = {"LD_PRELOAD": str(harness.GUARD), "RISE_GUARD": "count"}
        with harness.Plant("dpdk-guard") as plant:
            self.start_controls(plant, 2)
            self.start_core(plant, 2, env=guard)
            plant.wait_up(20)
            time.sleep(2)
            self.assertIn("guard: 0 forbidden", self.end(plant))

    def test_a_name_is_told_of_and_costs_nobody_else(self):
        with harness.Plant("dpdk-name") as plant:
            self.start_controls(plant, 1)
            self.start_core(plant, 1, address="localhost")
            time.sleep(1)
            machine = plant.machine("m0")
            self.assertNotEqual(machine["link"], "up")
            self.assertEqual(machine["driver_state"], "running")


class Faults(tcp_lane.Tcp):
    """Negative controls: what cannot work is said in one sentence."""

    def refused(self, text, **options):
        program = Program(self.pair, **options)
        self.addCleanup(program.close)
        self.assertTrue((program.first or "nothing").startswith("error"), program.first)
        self.assertIn(text, program.first)

    def test_too_many_streams(self):
        self.refused("1..128 streams, not 129", capacity=129)
        self.refused("1..128 streams, not 0", capacity=0)

    def test_twice(self):
        self.refused("are given to somebody already", twice=1)


if __name__ == "__main__":
    unittest.main()
