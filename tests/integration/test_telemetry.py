#!/usr/bin/python3
"""Sensors end to end: sensorsim, UDP, a lane with the telemetry driver, the screen's figures.

Through io_uring, plain calls, and DPDK over a veth pair: the driver is the same, and so must be
what it says.
"""
import math
import socket
import time
import unittest

from common import harness

import dpdk_lane
import veth

AMPLITUDE = 2.0


def sensors(count, rate_hz, samples, channels=3, fault=""):
    """For sensorsim; ids from 1."""
    text = (
        f'[[sensor]]\nname = "s"\nid = 1\ncount = {count}\nkind = "vibration"\n'
        f"channels = {channels}\nrate_hz = {rate_hz}\nsamples = {samples}\n"
        f"sine = [{{ hz = 100.0, amplitude = {AMPLITUDE} }}]\n"
    )
    return text + fault


def receiver(port, count, rate_hz, window=256, more=""):
    """The same sensors as a machine of the core."""
    text = f'[[machine]]\nname = "cell"\ndriver = "telemetry"\n[machine.telemetry]\nport = {port}\n'
    text += 'statistics_ms = 100\nmax_age_ms = 60000\n' + more
    for number in range(1, count + 1):
        text += (
            f'[[machine.telemetry.sensor]]\nid = {number}\nname = "s{number}"\n'
            f'kind = "vibration"\nunit = "m/s2"\nrate_hz = {rate_hz}\nwindow = {window}\n'
        )
    return text


def lane(**keys):
    text = '[[lane]]\nname = "main"\n'
    for key, value in keys.items():
        text += f"{key} = " + (f'"{value}"' if isinstance(value, str) else str(value)) + "\n"
    return text


class Rig(unittest.TestCase):
    def setUp(self):
        self.plant = harness.Plant("telemetry")
        self.addCleanup(self.plant.close)
        self.port = harness.free_udp_port()

    def send(self, toml, seconds, **where):
        return self.plant.play_sensors(toml, self.port, seconds, **where)

    def stat(self, name):
        return self.plant.signal("cell", name)["value"]

    def wait_received(self, count):
        harness.wait_until(
            lambda: self.stat("telemetry.received") >= count, 10, f"{count} datagrams are counted"
        )

    def check_sines(self, said, count):
        """Everything that was sent has arrived, and means what was played."""
        self.wait_received(said["sent"])
        for number in range(1, count + 1):
            name = f"s{number}"
            signals = self.plant.machine("cell")["signals"]
            self.assertEqual(signals[f"{name}.stat.received"]["value"], said["sent"] / count)
            self.assertEqual(signals[f"{name}.stat.lost"]["value"], 0)
            self.assertEqual(signals[f"{name}.stat.bad"]["value"], 0)
            self.assertAlmostEqual(
                signals[f"{name}.x.rms"]["value"], AMPLITUDE / math.sqrt(2), delta=0.1
            )


class OverTheKernel(Rig):
    def run_through(self, io):
        self.plant.start_core(lane(io=io) + receiver(self.port, 2, 10000))
        said = self.send(sensors(2, 10000, 100), 3)
        self.assertGreater(said["sent"], 300)
        self.check_sines(said, 2)
        view = self.plant.view()["lanes"][0]
        self.assertEqual(view["counters"]["datagrams_received"], said["sent"])
        self.assertEqual(view["counters"]["datagrams_dropped"], 0)
        return view

    def test_through_io_uring(self):
        view = self.run_through("auto")
        if view["shortfall"]:
            self.skipTest(view["shortfall"])
        self.assertIn("io_uring", view["io"])

    def test_through_plain_calls(self):
        self.assertIn("plain", self.run_through("nonblocking")["io"])

    def test_half_a_million_samples_per_second(self):
        # 8 sensors x 3 channels x 25 kHz = 600 000 samples/s in 1700 datagrams/s.
        self.plant.start_core(lane() + receiver(self.port, 8, 25000, window=1024))
        before = self.plant.view()["lanes"][0]["counters"]
        started = time.monotonic()
        said = self.send(sensors(8, 25000, 118), 5)
        seconds = time.monotonic() - started
        self.check_sines(said, 8)
        samples = said["sent"] * 118 * 3
        self.assertGreater(samples / seconds, 500_000, "sensorsim was too slow")
        after = self.plant.view()["lanes"][0]
        self.assertEqual(after["counters"]["datagrams_dropped"], 0)
        self.assertEqual(after["counters"]["drivers_benched"], 0)
        # The step holds all of the driver's arithmetic; what the machine does beside is not ours.
        self.assertLess(after["histograms"]["step"]["p50_ns"], 500_000)
        self.assertGreater(after["counters"]["cycles"] - before["cycles"], 2000)

    def test_the_example_fits_the_simulated_sensors(self):
        profile = (harness.ROOT / "config/profiles/sensors.toml").read_text()
        body = profile[profile.index("[[lane]]") :].replace("port = 5005", f"port = {self.port}")
        self.plant.start_core(body)
        self.send((harness.ROOT / "config/sensors.toml").read_text(), 3)
        signals = self.plant.machine("cell-1")["signals"]
        for name in ("vibration.spindle.x.rms", "acoustic.rms", "temperature.bearing.mean"):
            self.assertGreater(signals[name]["value"], 0, name)
        self.assertGreater(signals["wear.tool.last"]["value"], 10)

    def test_a_flood_costs_the_flooded_only(self):
        other = harness.free_udp_port()
        self.plant.start_core(
            lane()
            + receiver(self.port, 1, 10000)
            + receiver(other, 1, 10000).replace('"cell"', '"victim"')
        )
        said = self.plant.play_sensors(sensors(1, 10000, 100), other, 1)
        known = said["sent"]
        # Nothing of this is a datagram of a sensor.
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as flooder:
            end = time.monotonic() + 2
            sent = 0
            while time.monotonic() < end:
                for _ in range(100):
                    flooder.sendto(b"x" * 400, ("127.0.0.1", other))
                sent += 100
        self.assertGreater(sent, 20_000)
        # The kernel tells what it has dropped with the next datagram that it delivers.
        known += self.plant.play_sensors(sensors(1, 10000, 100), other, 0.2)["sent"]
        said = self.send(sensors(1, 10000, 100), 1)
        self.check_sines(said, 1)
        view = self.plant.view()["lanes"][0]
        self.assertEqual(view["counters"]["drivers_benched"], 0)

        def accounted():
            signals = self.plant.machine("victim")["signals"]
            taken = signals["telemetry.received"]["value"]
            lost = self.plant.view()["lanes"][0]["counters"]["datagrams_dropped"]
            return signals if taken + lost == known + sent else None

        victim = harness.wait_until(accounted, 10, "every datagram is accounted for")
        taken = victim["telemetry.received"]["value"]
        # Of those that are known some may have met a buffer that was still full.
        self.assertGreaterEqual(victim["telemetry.bad"]["value"], taken - known)


@unittest.skipIf(dpdk_lane.WHY, dpdk_lane.WHY)
class OverDpdk(Rig):
    def setUp(self):
        super().setUp()
        self.pair = veth.Veth()
        self.addCleanup(self.pair.close)

    def lane(self, device="net_af_packet0", **keys):
        text = lane(datagrams="dpdk", **keys) + "[lane.dpdk]\n"
        text += f'device = "{device},iface={self.pair.port}"\n'
        return text + f'address = "{self.pair.OUR_ADDRESS}/24"\n'

    def start(self, toml, **more):
        self.plant.start_core(toml, prefix=self.pair.prefix(self.pair.ours), **more)

    def send_over(self, toml, seconds):
        where = {"host": self.pair.OUR_ADDRESS, "prefix": self.pair.prefix(self.pair.theirs)}
        return self.send(toml, seconds, **where)

    def test_the_same_driver_over_dpdk(self):
        self.start(self.lane() + receiver(self.port, 2, 10000))
        said = self.send_over(sensors(2, 10000, 100), 3)
        self.check_sines(said, 2)
        view = self.plant.view()["lanes"][0]
        self.assertIn("DPDK", view["io"])
        self.assertEqual(view["counters"]["datagrams_received"], said["sent"])
        self.assertEqual(view["counters"]["drivers_benched"], 0, "the seal lets DPDK through")
        self.assertEqual(view["shortfall"], "")

    def test_controls_through_the_kernel_beside_sensors_through_dpdk(self):
        # Inside our namespace the loopback is our own.
        with self.pair.inside(self.pair.ours):
            port = harness.free_ports(1)
        veth.ip("-n", self.pair.ours, "link", "set", "lo", "up")
        config = self.plant.write("controls.toml", harness.control_toml("mill", port))
        self.plant.simulator = self.plant.start(
            [*self.pair.prefix(self.pair.ours), harness.BIN / "cncsim", "--config", config],
            name="cncsim",
        )
        self.start(self.lane() + receiver(self.port, 1, 10000) + harness.machine_toml("mill", port))
        said = self.send_over(sensors(1, 10000, 100), 2)
        self.check_sines(said, 1)
        self.plant.wait_machine("mill", lambda m: m["link"] == "up", 10, "up")
        self.assertTrue(self.plant.signal("mill", "axis.x.position")["valid"])

    def test_without_the_device_nothing_starts_and_it_is_said_why(self):
        with self.assertRaisesRegex(RuntimeError, "lane main: .*absent"):
            self.start(
                self.lane().replace(self.pair.port, "absent") + receiver(self.port, 1, 10000)
            )
        self.assertEqual(self.plant.core.wait(), 3)


if __name__ == "__main__":
    unittest.main()
