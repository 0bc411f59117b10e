#!/usr/bin/python3
"""The DPDK datagram port and whoever means it no good: wrong frames, floods, a link that fails."""
import socket
import struct
import time
import unittest

from dpdk_lane import PORT, frame, ipv4, mac, udp
import dpdk_lane

LIMIT = 256  # kDatagramsPerExchange
# linux/if_packet.h
SOL_PACKET, PACKET_AUXDATA, TP_STATUS_VLAN_VALID = 263, 8, 1 << 4


class Hostile(dpdk_lane.Dpdk):
    """Each wrong frame is refused and counted under its name; a right one after it is taken."""

    def check(self, echo, wrong, **expected):
        before = echo.figures()
        self.send_raw(*wrong, frame(ipv4(udp(b"right"))))
        self.assertTrue(echo.line("got", 5).endswith(" 5 right"), "nothing but the right one")
        after = echo.figures()
        changed = {
            key: after[key] - before.get(key, 0)
            for key in after
            if after[key] != before.get(key, 0) and key not in ("got", "received", "buffers_free")
        }
        changed.pop("most_in_exchange", None)
        changed.pop("foreign", None)  # the kernel's own packets
        self.assertEqual(changed, expected)
        self.assertEqual(after["received"] - before["received"], 1)

    def test_wrong_checksums(self):
        echo = self.start()
        self.check(echo, [frame(ipv4(udp(b"wrong", damage=1)))], malformed=1, udpchecksum=1)
        bad = bytearray(frame(ipv4(udp(b"wrong"))))
        bad[24] ^= 1
        self.check(echo, [bytes(bad)], malformed=1, headerchecksum=1)

    def test_what_was_fragmented_and_is_too_long(self):
        # The PMD's socket has the kernel put fragments together (PACKET_FANOUT_FLAG_DEFRAG): what
        # then arrives is cut off at the end of the ring's frame. Fragments as such: class Xdp.
        echo = self.start()
        with self.pair.udp() as peer:
            peer.sendto(b"x" * 4000, (self.pair.OUR_ADDRESS, PORT))
        self.wait_figures(echo, lambda f: f["malformed"] == 1, "it is refused")
        self.check(echo, [])

    def test_lengths_that_lie(self):
        echo = self.start()
        packet = udp(b"12345")
        lie = packet[:4] + struct.pack("!HH", 60, 0) + packet[8:]
        self.check(echo, [frame(ipv4(lie))], malformed=1, udplength=1)
        short = ipv4(udp(b"12345"))[:30]
        self.check(echo, [(frame(b"")[:14] + short)], malformed=1, truncated=1)

    def test_every_truncation_of_a_frame(self):
        echo = self.start()
        whole = frame(ipv4(udp(b"x" * 40)))
        cut = [whole[:length] for length in range(14, len(whole))]
        self.check(echo, cut, malformed=len(cut), truncated=len(cut))

    def test_ports_that_nobody_has_and_addresses_of_others(self):
        echo = self.start()
        self.check(echo, [frame(ipv4(udp(b"x", port=7001)))], unclaimed=1)
        self.check(echo, [frame(ipv4(udp(b"x", target="10.77.0.9"), target="10.77.0.9"))])

    def test_vlan_tags(self):
        echo = self.start()
        one = struct.pack("!HH", 0x8100, 0x6005)
        two = struct.pack("!HH", 0x88A8, 9) + one
        for tags in (one, two):
            self.send_raw(frame(ipv4(udp(b"tagged")), tags))
            self.assertTrue(echo.line("got", 5).endswith(" 6 tagged"))
        three = struct.pack("!HH", 0x88A8, 9) + two
        self.check(echo, [frame(ipv4(udp(b"x")), three)], malformed=1, tags=1)

    def test_a_vlan_of_our_own(self):
        echo = self.start(vlan=5, neighbour=f"{self.pair.PEER_ADDRESS}={self.pair.PEER_MAC}")
        five, six = (struct.pack("!HH", 0x8100, vlan) for vlan in (5, 6))
        self.send_raw(
            frame(ipv4(udp(b"none"))),
            frame(ipv4(udp(b"other")), six),
            frame(ipv4(udp(b"ours")), five),
        )
        self.assertTrue(echo.line("got", 5).endswith(" 4 ours"))
        with self.pair.raw() as raw:  # not every kernel can end a VLAN, but all tell its tag
            raw.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
            echo.tell(f"send {self.pair.PEER_ADDRESS} 9000 hello")
            for _ in range(20):
                heard, aux, _, _ = raw.recvmsg(2048, 128)
                if heard[-5:] == b"hello" or b"hello" in heard:
                    break
        status, _, _, _, _, tag, _ = struct.unpack("IIIHHHH", aux[0][2])
        self.assertTrue(status & TP_STATUS_VLAN_VALID)
        self.assertEqual(tag, 5)


class Limits(dpdk_lane.Dpdk):
    def test_a_flood_is_bounded_per_exchange_and_the_rest_counted(self):
        echo = self.start(device=self.DEVICE + ",framecnt=512", echo=1)
        count = 3000
        with self.pair.udp() as peer:
            peer.sendto(b"first", (self.pair.OUR_ADDRESS, PORT))  # so that ARP is over with
            peer.recv(64)
            echo.tell("pause 500")
            time.sleep(0.1)
            for _ in range(count):
                peer.sendto(b"x" * 32, (self.pair.OUR_ADDRESS, PORT))
            self.assertIsNotNone(echo.line("paused", 5))
            figures = self.wait_figures(
                echo, lambda f: f["received"] + f["dropped"] >= count + 1, "all are accounted for"
            )
            self.assertEqual(figures["received"] + figures["dropped"], count + 1)
            self.assertGreater(figures["dropped"], count - 600)  # the ring has 512 places
            self.assertEqual(figures["most_in_exchange"], LIMIT)
            # 16 places for answers in each exchange; the rest was refused to the sender.
            self.assertGreater(figures["send_queue_full"], 0)
            self.assertEqual(figures["sent"] + figures["send_queue_full"], figures["received"])
            self.assertEqual(figures["buffers_free"], 4095)
            peer.sendto(b"last", (self.pair.OUR_ADDRESS, PORT))
            peer.settimeout(1)
            while peer.recv(64) != b"last":
                pass

    def test_who_asks_too_often_is_answered_sometimes(self):
        echo = self.start()
        question = struct.pack(
            "!HHBBH6s4s6s4s",
            1,
            0x0800,
            6,
            4,
            1,
            mac(self.pair.PEER_MAC),
            socket.inet_aton(self.pair.PEER_ADDRESS),
            bytes(6),
            socket.inet_aton(self.pair.OUR_ADDRESS),
        )
        echo.tell("pause 300")
        time.sleep(0.1)
        self.send_raw(*[frame(question, kind=0x0806)] * 200)
        self.assertIsNotNone(echo.line("paused", 5))
        figures = echo.figures()
        self.assertLessEqual(figures["requests_answered"], 20)
        self.assertGreaterEqual(figures["requests_answered"], 1)

    def test_a_link_that_goes_down_and_comes_back(self):
        echo = self.start(neighbour=f"{self.pair.PEER_ADDRESS}={self.pair.PEER_MAC}")
        with self.pair.udp(9000) as peer:
            self.pair.link("down")
            for _ in range(50):
                echo.tell(f"burst {self.pair.PEER_ADDRESS} 9000 16")
            self.assertIsNotNone(echo.line("sent"))
            self.wait_figures(
                echo, lambda f: f["buffers_free"] == 4095, "no buffer is lost, none freed twice"
            )
            self.pair.link("up")
            time.sleep(0.2)
            peer.settimeout(0.2)
            heard = b""
            end = time.monotonic() + 5
            while heard != b"again" and time.monotonic() < end:
                echo.tell(f"send {self.pair.PEER_ADDRESS} 9000 again")
                try:
                    while heard != b"again":
                        heard = peer.recv(64)
                except TimeoutError:
                    pass
            self.assertEqual(heard, b"again")


if __name__ == "__main__":
    unittest.main()
