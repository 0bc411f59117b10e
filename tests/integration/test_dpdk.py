#!/usr/bin/python3
"""The DPDK datagram port against the kernel's UDP, over a veth pair in network namespaces."""
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import time
import unittest

from common import harness, without_realtime
from dpdk_lane import PORT, PROGRAM, Echo, checksum, frame, ipv4, mac, udp
import dpdk_lane


class Traffic(dpdk_lane.Dpdk):
    def test_the_kernel_is_echoed_and_finds_us_by_arp(self):
        echo = self.start(echo=1)
        with self.pair.udp() as peer:
            for size in (0, 1, 7, 64, 511, 1471, 1472):
                text = bytes(i * 37 % 251 for i in range(size))
                peer.sendto(text, (self.pair.OUR_ADDRESS, PORT))
                got, sender = peer.recvfrom(4096)
                self.assertEqual(got, text, f"{size} bytes")
                self.assertEqual(sender, (self.pair.OUR_ADDRESS, PORT))
        self.assertIn(self.pair.OUR_MAC, self.pair.neighbour())
        figures = echo.figures()
        self.assertEqual(figures["received"], 7)
        self.assertEqual(figures["sent"], 7)
        self.assertEqual(figures["misaligned"], 0)
        self.assertEqual(figures["malformed"], 0)
        self.assertEqual(figures["requests_answered"], 1)

    def test_we_ask_by_arp_and_the_kernel_hears_us(self):
        echo = self.start()
        with self.pair.udp(9000) as peer:
            echo.tell(f"send {self.pair.PEER_ADDRESS} 9000 first")
            got, sender = peer.recvfrom(4096)
            self.assertEqual((got, sender), (b"first", (self.pair.OUR_ADDRESS, PORT)))
            echo.tell(f"send {self.pair.PEER_ADDRESS} 9000 second")
            self.assertEqual(peer.recv(4096), b"second")
        figures = echo.figures()
        self.assertEqual((figures["sent"], figures["questions"]), (2, 1))

    def test_a_configured_neighbour_needs_no_arp(self):
        echo = self.start(neighbour=f"{self.pair.PEER_ADDRESS}={self.pair.PEER_MAC}")
        with self.pair.udp(9000) as peer:
            echo.tell(f"send {self.pair.PEER_ADDRESS} 9000 known")
            self.assertEqual(peer.recv(4096), b"known")
        self.assertEqual(echo.figures()["questions"], 0)

    def test_whoever_does_not_answer_costs_his_datagrams_only(self):
        echo = self.start()
        nobody = self.pair.NETWORK + "77"
        echo.tell(f"burst {nobody} 9000 20")
        self.assertEqual(echo.line("sent"), "sent -3:4 0:16")  # RISE_E_AGAIN beyond 16
        figures = self.wait_figures(echo, lambda f: f["send_failed"] == 16, "given up")
        self.assertGreaterEqual(figures["questions"], 5)
        self.assertLessEqual(figures["questions"], 12)
        self.assertEqual(figures["send_queue_full"], 4)
        with self.pair.udp(9000) as peer:
            echo.tell(f"send {self.pair.PEER_ADDRESS} 9000 alive")
            self.assertEqual(peer.recv(4096), b"alive")
        echo.tell("send 8.8.8.8 9000 nowhere")  # no gateway
        figures = self.wait_figures(echo, lambda f: f["send_failed"] == 17, "no route")
        self.assertEqual(figures["buffers_free"], 4095, "every buffer came back")

    def test_sixteen_in_one_cycle_leave_with_one_burst(self):
        echo = self.start(neighbour=f"{self.pair.PEER_ADDRESS}={self.pair.PEER_MAC}")
        with self.pair.udp(9000) as peer:
            echo.tell(f"burst {self.pair.PEER_ADDRESS} 9000 17")
            self.assertEqual(echo.line("sent"), "sent -3:1 0:16")
            for _ in range(16):
                self.assertEqual(peer.recv(4096), b"burst")
        self.assertEqual(echo.figures()["sent"], 16)

    def test_multicast_is_joined(self):
        group = "239.255.1.2"
        with self.pair.raw() as raw:
            echo = self.start(group=group)
            reports = []
            end = time.monotonic() + 3
            while not reports and time.monotonic() < end:
                try:
                    heard = raw.recv(2048)
                except TimeoutError:
                    continue
                if heard[12:14] == b"\x08\x00" and heard[23] == 2:
                    reports.append(heard)
        self.assertEqual(len(reports), 1, "a membership report was sent")
        self.assertEqual(reports[0][:6], mac("01:00:5e:7f:01:02"))
        self.assertEqual(reports[0][38:46], bytes([0x16, 0, 0xF8, 0xFD, 239, 255, 1, 2]))
        with self.pair.udp() as peer:
            peer.setsockopt(
                socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(self.pair.PEER_ADDRESS)
            )
            peer.sendto(b"to-all", (group, PORT))
            peer.sendto(b"to-others", ("239.255.1.3", PORT))
        self.assertTrue(echo.line("got", 5).endswith(" 6 to-all"))
        self.assertIsNone(echo.line("got", 0.3))

    def test_ping(self):
        self.start()
        with self.pair.inside(self.pair.theirs):
            icmp = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        with icmp:
            icmp.settimeout(5)
            body = struct.pack("!BBHHH", 8, 0, 0, 1, 1) + b"ping"
            packet = body[:2] + struct.pack("!H", checksum(body)) + body[4:]
            icmp.sendto(packet, (self.pair.OUR_ADDRESS, 0))
            answer = icmp.recv(2048)
        self.assertEqual(answer[20], 0)
        self.assertEqual(answer[24:], packet[4:])


class Realtime(dpdk_lane.Dpdk):
    def busy(self, echo, peer, seconds):
        end = time.monotonic() + seconds
        rounds = 0
        while time.monotonic() < end:
            peer.sendto(b"x", (self.pair.OUR_ADDRESS, PORT))
            peer.recv(64)
            rounds += 1
        return rounds

    def test_no_allocation_lock_print_or_page_fault_in_an_exchange(self):
        guard = {"LD_PRELOAD": str(harness.GUARD), "RISE_GUARD": "abort"}
        echo = self.start(echo=1, lock=1, env=guard)
        with self.pair.udp() as peer:
            self.assertGreater(self.busy(echo, peer, 2), 100)
            echo.tell(f"burst {self.pair.NETWORK}77 9000 3")
            time.sleep(1.2)
        figures = echo.figures()
        self.assertEqual(figures["send_failed"], 3)
        self.assertEqual(figures["faults"], 0)
        self.assertIsNone(echo.process.poll(), "the guard has not ended it")

    def test_the_caller_keeps_its_cores_priority_and_signals(self):
        # The program compares them itself before it says that it is ready.
        cpus = sorted(os.sched_getaffinity(0))
        if len(cpus) < 2:
            self.skipTest("one core only")
        echo = self.start(lane_cpu=cpus[-1])
        for task in os.scandir(f"/proc/{echo.process.pid}/task"):
            if int(task.name) != echo.process.pid:
                self.assertNotIn(cpus[-1], os.sched_getaffinity(int(task.name)))

    def test_the_guard_would_see_an_allocation(self):
        guard = {"LD_PRELOAD": str(harness.GUARD), "RISE_GUARD": "abort"}
        echo = self.start(sin=1, env=guard)
        with self.pair.udp() as peer:
            peer.sendto(b"x", (self.pair.OUR_ADDRESS, PORT))
            self.assertEqual(echo.process.wait(timeout=10), -signal.SIGABRT)

    def test_system_calls_are_those_of_the_pmd_when_it_sends(self):
        if shutil.which("strace") is None:
            self.skipTest("strace is not installed")
        echo = self.start(echo=1)
        report = os.path.join(self.folder(), "strace.txt")
        strace = subprocess.Popen(
            ["strace", "-c", "-o", report, "-p", str(echo.process.pid)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(1)
        with self.pair.udp() as peer:
            rounds = self.busy(echo, peer, 1)
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
        # One for each exchange that had something to send: the answers, and one to ARP.
        self.assertLessEqual(calls["sendto"], rounds + 1)
        self.assertGreater(calls["clock_nanosleep"], rounds)

    def test_nothing_is_left_behind(self):
        def files():
            return {
                os.path.join(folder, name)
                for top in ("/var/run/dpdk", "/dev/hugepages")
                for folder, _, names in os.walk(top)
                for name in names
            }

        before = files()
        echo = self.start()
        self.assertEqual(files(), before)
        echo.close()
        self.assertEqual(files(), before)


class Faults(dpdk_lane.Dpdk):
    """Negative controls: what cannot work is said in one sentence."""

    def refused(self, text, **options):
        echo = Echo(self.pair, **{"device": self.DEVICE, **options})
        self.addCleanup(echo.close)
        self.assertIsNotNone(echo.first)
        self.assertTrue(echo.first.startswith("error"), echo.first)
        self.assertIn(text, echo.first)

    def test_without_the_library(self):
        self.refused("DPDK cannot be loaded", library="/nowhere/dpdk.so")
        self.refused("does not belong to this core", library="libm.so.6")

    def test_wrong_settings(self):
        self.refused('must be like "192.168.1.10/24"', address="10.77.0.1")
        self.refused('must be like "192.168.1.10/24"', address="10.77.0.1/33")
        self.refused("must be another address of the network", gateway="10.78.0.1")
        self.refused("vlan must be", vlan=4095)
        self.refused("neighbour 0", neighbour="10.77.0.9=01:00:5e:00:00:01")
        self.refused("must be 1..65535", port=0)
        self.refused("224.0.0.0/4", group="10.0.0.1")

    def test_wrong_devices(self):
        self.refused("cannot be made", device="net_af_packet0,iface=nope")
        self.refused("cannot be made", device="net_nonsense0")
        self.refused("cannot be made", device="0000:ff:1f.7")

    def test_without_privilege(self):
        if subprocess.run([*without_realtime(), "test", "-x", PROGRAM], check=False).returncode:
            self.skipTest("the build folder is not readable for other users")
        self.refused("cannot be made", prefix=without_realtime())

    def test_without_hugepages(self):
        with open("/proc/meminfo") as file:
            if int(re.search(r"HugePages_Free:\s+(\d+)", file.read()).group(1)) >= 8:
                self.skipTest("there are free huge pages here")
        self.refused("huge pages", hugepages=2)


class Xdp(dpdk_lane.Dpdk):
    """The same over af_xdp, where this kernel and this build have it."""

    DEVICE = "net_af_xdp0,busy_budget=0"

    def start(self, **options):
        echo = Echo(self.pair, **{"device": self.DEVICE, **options})
        self.addCleanup(echo.close)
        if not (echo.first or "").startswith("ready"):
            self.skipTest(f"af_xdp does not start here: {echo.first}")
        return echo

    def test_echo_both_ways(self):
        echo = self.start(echo=1)
        with self.pair.udp(9000) as peer:
            for size in (1, 64, 1472):
                peer.sendto(b"x" * size, (self.pair.OUR_ADDRESS, PORT))
                self.assertEqual(peer.recv(4096), b"x" * size)
            echo.tell(f"send {self.pair.PEER_ADDRESS} 9000 hello")
            self.assertEqual(peer.recv(4096), b"hello")
        self.assertEqual(echo.figures()["misaligned"], 0)

    def test_fragments_are_refused(self):
        echo = self.start()
        with self.pair.udp() as peer:
            peer.sendto(b"x" * 4000, (self.pair.OUR_ADDRESS, PORT))
        figures = self.wait_figures(echo, lambda f: f.get("fragment") == 3, "they are counted")
        self.assertEqual((figures["malformed"], figures["received"]), (3, 0))

    def test_wrong_checksum_is_refused(self):
        echo = self.start()
        self.send_raw(frame(ipv4(udp(b"wrong", damage=1))), frame(ipv4(udp(b"right"))))
        self.assertTrue(echo.line("got", 5).endswith(" 5 right"))
        self.assertEqual(echo.figures()["udpchecksum"], 1)


if __name__ == "__main__":
    unittest.main()
