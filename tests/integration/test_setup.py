#!/usr/bin/python3
"""scripts/setup: what it does is seen through stand-ins for the package tools; nothing is installed."""
import os
import pathlib
import subprocess
import tempfile
import unittest

from common import harness, needs_root, without_realtime

SETUP = harness.ROOT / "scripts" / "setup"


class Setup(unittest.TestCase):
    def setUp(self):
        made = tempfile.TemporaryDirectory(prefix="rise-setup-")
        self.addCleanup(made.cleanup)
        self.folder = pathlib.Path(made.name)
        self.folder.chmod(0o755)
        self.calls = self.folder / "calls"
        self.calls.touch()
        self.calls.chmod(0o666)

    def stand_in(self, name, body):
        file = self.folder / name
        file.write_text(f'#!/bin/sh\necho "{name} $*" >>{self.calls}\n{body}\n')
        file.chmod(0o755)

    def run_it(self, *arguments, prefix=()):
        return subprocess.run(
            [*prefix, SETUP, *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            env={**os.environ, "PATH": f"{self.folder}:{os.environ['PATH']}"},
        )

    def test_nothing_is_done_where_all_is_there(self):
        self.stand_in("dpkg-query", "echo installed")
        self.stand_in("apt-get", "exit 1")
        done = self.run_it("test")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        self.assertNotIn("apt-get", self.calls.read_text())

    def test_what_is_missing_is_installed_and_nothing_else(self):
        self.stand_in("dpkg-query", 'case "$*" in *strace*) exit 1;; esac; echo installed')
        self.stand_in("apt-get", "exit 0")
        self.stand_in("apt-cache", "exit 0")
        self.stand_in("id", "echo 0")
        done = self.run_it("test")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("setup: installing strace\n", done.stdout)
        install = [c for c in self.calls.read_text().splitlines() if "apt-get install" in c]
        self.assertEqual(install, ["apt-get install -y --no-install-recommends strace"])

    def test_of_alternatives_the_one_is_taken_that_this_release_has(self):
        self.stand_in("dpkg-query", 'case "$*" in *boost*) exit 1;; esac; echo installed')
        self.stand_in("apt-get", "exit 0")
        # Of a name that other packages only refer to it says nothing, and that all is well.
        self.stand_in("apt-cache", 'case "$*" in *1.83*) echo "Package: $2";; esac; exit 0')
        self.stand_in("id", "echo 0")
        done = self.run_it("build")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("setup: installing libboost1.83-dev libboost-json1.83-dev\n", done.stdout)

    def test_a_failure_is_shown_and_told(self):
        self.stand_in("dpkg-query", "exit 1")
        self.stand_in("apt-get", "echo no network; exit 100")
        self.stand_in("id", "echo 0")
        done = self.run_it("build")
        self.assertEqual(done.returncode, 1)
        self.assertIn("no network", done.stderr)

    @needs_root
    def test_without_root_it_prints_the_one_line_to_run_and_stops(self):
        if os.stat(SETUP).st_mode & 1 == 0 or not self.reachable():
            self.skipTest("this folder cannot be read by another user")
        self.stand_in("dpkg-query", "exit 1")
        self.stand_in("apt-get", "exit 0")
        done = self.run_it("build", prefix=without_realtime())
        self.assertEqual(done.returncode, 1)
        lines = [line for line in done.stderr.splitlines() if "apt-get install" in line]
        self.assertEqual(len(lines), 1, done.stderr)
        self.assertRegex(
            lines[0], r"^  sudo apt-get install --no-install-recommends .*liburing-dev"
        )
        self.assertEqual(done.stdout, "")
        self.assertNotIn("apt-get", self.calls.read_text())

    def reachable(self):
        done = subprocess.run([*without_realtime(), "test", "-x", SETUP], check=False)
        return done.returncode == 0

    def test_a_verb_that_there_is_not(self):
        done = self.run_it("everything")
        self.assertEqual(done.returncode, 64)
        self.assertIn("usage:", done.stderr)


if __name__ == "__main__":
    unittest.main()
