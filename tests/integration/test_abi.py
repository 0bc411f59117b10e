#!/usr/bin/python3
"""The driver ABI: its header compiles everywhere, and a driver that was built with an older one runs."""
import shutil
import socket
import tempfile
import unittest

from common import LANE, harness
from driver_kit import DRIVERS, report, run

WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]


class Header(unittest.TestCase):
    """The ABI header is C11 and C++20, for both compilers, without a warning."""

    def compile(self, compiler, language, header):
        if shutil.which(compiler) is None:
            self.skipTest(f"{compiler} is not installed")
        source = "c" if "-std=c11" in language else "c++"
        include = ["-include", harness.ROOT / header, "-x", source, "/dev/null"]
        done = run(compiler, *language, *WARNINGS, "-fsyntax-only", *include)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_c11_gcc(self):
        self.compile("gcc", ["-std=c11"], "drivers/sdk/rise_driver.h")

    def test_c11_clang(self):
        self.compile("clang", ["-std=c11"], "drivers/sdk/rise_driver.h")

    def test_cpp20_gcc(self):
        for header in ("rise_driver.h", "rise_driver.hpp", "rise_lines.hpp", "rise_test_host.hpp"):
            self.compile("g++", ["-std=c++20"], f"drivers/sdk/{header}")

    def test_cpp20_clang(self):
        for header in ("rise_driver.h", "rise_driver.hpp", "rise_lines.hpp", "rise_test_host.hpp"):
            self.compile("clang++", ["-std=c++20"], f"drivers/sdk/{header}")


class Yesterday(unittest.TestCase):
    """The N-1 promise: a driver built with the header of ABI 1.0 runs in the core of today."""

    def test_loads_and_runs(self):
        plant = harness.Plant("yesterday")
        self.addCleanup(plant.close)
        plant.start_core(
            f'driver_path = "{DRIVERS}"\n{LANE}'
            '[[machine]]\nname = "old"\ndriver = "old_driver"\n'
        )
        first = harness.wait_until(lambda: self.cycles(plant), 15, "its signal has a value")
        harness.wait_until(lambda: self.cycles(plant) > first, 15, "its signal moves")
        self.assertEqual(
            [(a["number"], a["axis"], a["text"]) for a in plant.machine("old")["alarms"]],
            [(100, 0, "first"), (200, 2, "second")],
        )

    @staticmethod
    def cycles(plant):
        return plant.signal("old", "cycles")["value"]

    def test_speaks_to_its_device_and_is_commanded(self):
        device = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(device.close)
        device.settimeout(15)
        port = device.getsockname()[1]
        plant = harness.Plant("yesterday")
        self.addCleanup(plant.close)
        plant.start_core(
            f'driver_path = "{DRIVERS}"\n{LANE}[[machine]]\nname = "old"\ndriver = "old_driver"\n'
            '[[machine.output]]\nname = "level"\ntarget = "level"\nmin = 0.0\nmax = 10.0\n'
            f"[machine.old_driver]\nport = {port}\n"
        )
        plant.start_sidecar()
        connection, _ = device.accept()
        with connection:
            self.assertEqual(connection.recv(4), b"ping")
            connection.sendall(b"pong")
            harness.wait_until(
                lambda: plant.signal("old", "bytes")["value"] == 4, 15, "the answer is counted"
            )
            for words, said in (
                (("arm", "old"), ""),
                (("set", "old", "level", "7.5"), "applied"),
            ):
                done = plant.rise(words[0], "--region", plant.region, *words[1:])
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                self.assertIn(said, done.stdout)
            self.assertEqual(plant.signal("old", "level")["value"], 7.5)
            done = plant.rise("stop", "--region", plant.region)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertEqual(plant.signal("old", "level")["value"], 0)

    def test_passes_the_kit(self):
        with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
            file.write(
                f'{LANE}[[machine]]\nname = "old"\ndriver = "old_driver"\n[[machine.output]]\n'
                'name = "level"\ntarget = "level"\nmin = 0.0\nmax = 10.0\n'
                "[machine.old_driver]\nport = 9999\n"
            )
            file.flush()
            found = report(DRIVERS / "old_driver.so", "--config", file.name)
        self.assertEqual((found["exit"], found["abi"]), (0, "1.0"), found["words"])
        passed = {c["check"] for c in found["checks"] if c["verdict"] == "pass"}
        self.assertTrue(
            {
                "settings",
                "garbage",
                "commands",
                "life_cycle",
                "time",
                "allocations",
                "reload",
                "leaks",
            }
            <= passed,
            passed,
        )


if __name__ == "__main__":
    unittest.main()
