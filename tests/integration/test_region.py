#!/usr/bin/python3
"""The shared region when processes die, damage it, or belong to another release."""
import ctypes
import fcntl
import os
import pathlib
import signal
import struct
import subprocess
import time
import unittest

from common import LANE, harness, needs_root


class Region(unittest.TestCase):
    def plant(self):
        plant = harness.Plant("region")
        self.addCleanup(plant.close)
        return plant

    def start(self, plant):
        self.port = harness.free_ports(1)
        plant.start_simulator(harness.control_toml("a", self.port))
        self.config = LANE + harness.machine_toml("a", self.port)
        return plant.start_core(self.config)

    def files(self, plant):
        return sorted(pathlib.Path("/dev/shm").glob(f"rise.{plant.region}.*"))

    def test_killed_core_is_cleaned_up_by_the_next(self):
        plant = self.plant()
        core = self.start(plant)
        plant.wait_up()
        core.stop(signal.SIGKILL)
        self.assertEqual(len(self.files(plant)), 3, "a killed core leaves in, out and lock")
        done = plant.rise("top", "--region", plant.region, "--once")
        self.assertEqual(done.returncode, 3)
        self.assertIn("died", done.stderr)
        again = plant.start_core(self.config)
        self.assertIn(f"removed what core {core.pid} had left behind", again.output())
        plant.wait_up()
        again.stop()
        self.assertEqual(self.files(plant), [])

    @needs_root
    def test_huge_pages_are_used_where_there_are_any(self):
        self.reserve_huge_pages(16)
        plant = self.plant()
        folder = plant.folder / "huge"
        folder.mkdir()
        config = plant.write(
            "rise.toml",
            f'[core]\nname = "{plant.region}"\nhistory_s = 1\n{LANE}'
            + harness.machine_toml("a", harness.free_ports(1)),
        )

        def start(mount):
            # The mount is seen by this process alone.
            inside = f'{mount}exec "$@"'
            core = plant.start(
                ["unshare", "-m", "sh", "-c", inside, "sh"]
                + [harness.BIN / "rise-core", "--config", config],
                name="rise-core",
            )
            harness.wait_until(lambda: "machines, 1 lanes" in core.output(), 20, "it runs")
            core.stop()
            return core.output()

        said = start(f"mount -t hugetlbfs none {folder} && ")
        self.assertIn("(huge pages)", said)
        self.assertNotIn("no huge pages", said)
        said = start("umount -a -t hugetlbfs; ")  # the control
        self.assertNotIn("(huge pages)", said)

    def reserve_huge_pages(self, count):
        """Reserves them for this test; skips it where the machine gives none."""
        number = pathlib.Path("/proc/sys/vm/nr_hugepages")
        before = number.read_text()
        try:
            number.write_text(str(int(before) + count))
        except OSError as why:
            self.skipTest(f"no huge pages may be reserved: {why}")
        self.addCleanup(number.write_text, before)
        if int(number.read_text()) < int(before) + count:
            self.skipTest("the machine has no memory for huge pages")

    def test_second_core_of_a_name_is_refused(self):
        plant = self.plant()
        core = self.start(plant)
        second = plant.start([harness.BIN / "rise-core", "--config", plant.folder / "rise.toml"])
        self.assertEqual(second.wait(), 3)
        self.assertIn(f"already running (pid {core.pid}", second.output())
        self.assertTrue(core.alive())
        plant.wait_up()

    def test_killed_reader_misses_nothing_within_the_rings_time(self):
        plant = self.plant()
        core = self.start(plant)
        plant.wait_up()
        sidecar = plant.start_sidecar()
        time.sleep(1)
        for _ in range(3):
            sidecar.stop(signal.SIGKILL)
            time.sleep(1.5)  # the ring holds 10 s
            sidecar = plant.start_sidecar()
            time.sleep(0.5)
        core.stop()
        time.sleep(0.3)
        sidecar.stop()
        # All lives together have read exactly what was published, and none was lost.
        self.assertIn("going on where the last one stopped", sidecar.output())
        self.assertIn("(0 lost)", sidecar.output())

    def test_reader_that_is_away_too_long_learns_what_it_missed(self):
        plant = self.plant()
        self.port = harness.free_ports(1)
        plant.start_simulator(harness.control_toml("a", self.port))
        # The smallest history: a second or so.
        plant.write("short.toml", "")
        core = plant.start_core("history_s = 1\n" + LANE + harness.machine_toml("a", self.port))
        plant.wait_up()
        sidecar = plant.start_sidecar()
        time.sleep(0.5)
        sidecar.stop(signal.SIGKILL)
        time.sleep(5)
        plant.start_sidecar()
        time.sleep(0.5)
        reader = next(r for r in plant.view()["readers"] if r["name"] == "sidecar")
        self.assertGreater(reader["lost"], 100)
        published = plant.view()["lanes"][0]["counters"]["frames_published"]
        self.assertLessEqual(reader["frames"] + reader["lost"] + reader["backlog"], published + 50)
        self.assertGreaterEqual(reader["frames"] + reader["lost"] + 150, published)
        core.stop()

    def patched(self, plant, offset, data):
        """The region's `in` file with some bytes of its header replaced."""
        path = pathlib.Path(f"/dev/shm/rise.{plant.region}.in")
        with open(path, "r+b") as file:
            file.seek(offset)
            old = file.read(len(data))
            file.seek(offset)
            file.write(data)
        return path, offset, old

    def test_region_of_another_version_or_schema_is_refused_with_a_clear_sentence(self):
        plant = self.plant()
        self.start(plant)
        # Layout: magic u64, version u32, header bytes u32, schema hash u64.
        for offset, data, words in (
            (8, struct.pack("<I", 99), "version 99"),
            (16, b"\x01" * 8, "schema 0101010101010101"),
            (0, b"NOTRISE!", "wrong magic"),
        ):
            path, at, old = self.patched(plant, offset, data)
            done = plant.rise("top", "--region", plant.region, "--once")
            with open(path, "r+b") as file:
                file.seek(at)
                file.write(old)
            self.assertEqual(done.returncode, 3, words)
            self.assertIn(words, done.stderr)
        self.assertIsNotNone(plant.view())

    def test_truncated_input_file_trips_the_core_and_does_not_kill_it(self):
        plant = self.plant()
        core = self.start(plant)
        plant.wait_up()
        os.truncate(f"/dev/shm/rise.{plant.region}.in", 0)
        harness.wait_until(
            lambda: "input lost" in core.output(), 5, "the core tells that its input is lost"
        )
        self.assertTrue(core.alive())
        self.assertEqual(core.stop(), 0)

    def damaged(self, damage):
        """A core whose `in` file is damaged by `damage(fd, size)`: it must trip and live."""
        plant = self.plant()
        core = self.start(plant)
        plant.wait_up()
        fd = os.open(f"/dev/shm/rise.{plant.region}.in", os.O_RDWR)
        self.addCleanup(os.close, fd)
        damage(fd, os.fstat(fd).st_size)
        harness.wait_until(
            lambda: "input lost" in core.output(), 10, "the core tells that its input is lost"
        )
        # From now on the file is nothing to it.
        os.ftruncate(fd, 0)
        time.sleep(0.5)
        self.assertTrue(core.alive())
        self.assertEqual(core.stop(), 0)

    def test_grown_input_file_trips_the_core(self):
        self.damaged(lambda fd, size: os.ftruncate(fd, size + (1 << 20)))

    def test_hole_in_the_input_file_trips_the_core(self):
        libc = ctypes.CDLL(None, use_errno=True)

        def punch(fd, _):
            keep_size, punch_hole = 1, 2
            rc = libc.fallocate(
                fd, keep_size | punch_hole, ctypes.c_long(4096), ctypes.c_long(8192)
            )
            self.assertEqual(rc, 0, os.strerror(ctypes.get_errno()))

        self.damaged(punch)

    def test_stop_word_outlives_a_killed_core(self):
        plant = self.plant()
        core = self.start(plant)
        plant.wait_up()
        plant.rise("stop", "--region", plant.region)  # its answer: see test_commands.py
        self.assertNotEqual(plant.view()["stop_word"], 0)
        core.stop(signal.SIGKILL)
        plant.start_core(self.config)
        self.assertNotEqual(plant.view()["stop_word"], 0)

    def test_lock_of_a_reader_does_not_keep_the_next_core_from_starting(self):
        plant = self.plant()
        core = self.start(plant)
        core.stop(signal.SIGKILL)
        for kind, flags in (("in", os.O_RDWR), ("out", os.O_RDONLY)):
            fd = os.open(f"/dev/shm/rise.{plant.region}.{kind}", flags)
            self.addCleanup(os.close, fd)
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        again = plant.start_core(self.config)
        self.assertEqual(again.stop(), 0)
        self.assertEqual(self.files(plant), [])

    def test_core_whose_messages_nobody_reads_still_hears_sigterm(self):
        plant = self.plant()
        self.start(plant).stop()
        config = plant.write(
            "rise.toml", f'[core]\nname = "{plant.region}"\nhugepages = false\n' + self.config
        )
        reading, writing = os.pipe()
        self.addCleanup(os.close, reading)
        fcntl.fcntl(writing, fcntl.F_SETFL, os.O_NONBLOCK)
        with self.assertRaises(BlockingIOError):
            while True:
                os.write(writing, b"x" * 4096)
        os.set_blocking(writing, True)
        core = subprocess.Popen(
            [harness.BIN / "rise-core", "--config", config],
            stdin=subprocess.DEVNULL,
            stderr=writing,
        )
        os.close(writing)
        self.addCleanup(core.kill)
        harness.wait_until(plant.view, 20, "the core runs")
        plant.wait_up()
        time.sleep(1.5)
        core.terminate()
        self.assertEqual(core.wait(timeout=10), 0)
        self.assertEqual(self.files(plant), [])

    def test_readers_cannot_write_what_the_core_writes(self):
        plant = self.plant()
        self.start(plant)
        mode = os.stat(f"/dev/shm/rise.{plant.region}.out").st_mode & 0o777
        self.assertEqual(mode, 0o640)


if __name__ == "__main__":
    unittest.main()
