#!/usr/bin/python3
"""`rise top` and `rise run` on a terminal: however they end or pause, they leave it as it was."""
import signal
import unittest

from common import LANE, harness
from pseudo_terminal import SCREEN_OFF, SCREEN_ON, Terminal

HOME = b"\033[H"  # each picture begins with it
ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


class OnTerminal(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.plant = harness.Plant("terminal")
        cls.addClassCleanup(cls.plant.close)
        port = harness.free_ports(1)
        cls.plant.start_simulator(harness.control_toml("a", port))
        machine = harness.machine_toml("a", port)
        cls.plant.start_core(LANE + machine)
        # A second core, for `rise run`; the control is the same.
        cls.own = cls.plant.write(
            "own.toml",
            f'[core]\nname = "own-{cls.plant.region}"\nhugepages = false\n' + LANE + machine,
        )

    def start(self, command, stdin=None):
        arguments = {
            "top": ["top", "--region", self.plant.region],
            "run": ["run", "--config", self.own],
        }[command]
        terminal = Terminal([harness.BIN / "rise", *arguments], stdin)
        self.addCleanup(terminal.close)
        terminal.wait_for(SCREEN_ON)
        return terminal

    def test_every_ending_leaves_the_terminal_as_it_was(self):
        for command in ("top", "run"):
            for how in ENDS:
                with self.subTest(command=command, how=how.name):
                    terminal = self.start(command)
                    terminal.wait_for(b"MACHINE")
                    self.assertTrue(terminal.raw())
                    terminal.process.send_signal(how)
                    self.assertEqual(terminal.wait(), 0)
                    self.assertTrue(terminal.restored(), terminal.drawn[-200:])

    def test_keys_reach_it_and_q_ends_it(self):
        for command in ("top", "run"):
            with self.subTest(command=command):
                terminal = self.start(command)
                terminal.press(b"j\033[Bk\tq")
                self.assertEqual(terminal.wait(), 0)
                self.assertTrue(terminal.restored())

    def test_ctrl_backslash_is_a_key_like_ctrl_c(self):
        terminal = self.start("top")
        terminal.press(b"\x1c")
        self.assertEqual(terminal.wait(), 0)
        self.assertTrue(terminal.restored())

    def test_ctrl_z_gives_the_terminal_back_and_fg_takes_it_again(self):
        # In a shell without line editing of its own, which would hide the mode that we leave.
        for command, arguments in (
            ("top", f"--region {self.plant.region}"),
            ("run", f"--config {self.own}"),
        ):
            with self.subTest(command=command):
                shell = Terminal(["/bin/sh", "-i"])
                self.addCleanup(shell.close)
                shell.press(f"{harness.BIN}/rise {command} {arguments}\n".encode())
                shell.wait_for(SCREEN_ON)
                shell.wait_for(b"MACHINE")
                for round_ in (1, 2):
                    shell.press(b"\x1a")
                    shell.wait_for(b"Stopped", count=round_)
                    self.assertTrue(shell.restored(), shell.drawn[-200:])
                    shell.drawn += b"|"
                    shell.press(b"fg\n")
                    shell.wait_for(SCREEN_ON, count=round_ + 1)
                    harness.wait_until(shell.raw, 5, "single keys again")
                before = shell.drawn.count(b"MACHINE")
                shell.wait_for(b"MACHINE", count=before + 2)  # it draws on
                shell.press(b"q")
                shell.wait_for(SCREEN_OFF, count=3)
                harness.wait_until(shell.restored, 10, "the terminal as it was")

    def test_a_stop_that_nobody_sees_coming_is_made_up_for(self):
        terminal = self.start("top")
        terminal.process.send_signal(signal.SIGSTOP)
        terminal.read(0.3)
        drawn = terminal.drawn.count(SCREEN_ON)
        terminal.process.send_signal(signal.SIGCONT)
        terminal.wait_for(SCREEN_ON, count=drawn + 1)

    def test_without_keys_it_waits_quietly(self):
        for command in ("top", "run"):
            for stdin in ("/dev/null", "/dev/zero"):
                with self.subTest(command=command, stdin=stdin):
                    terminal = self.start(command, stdin)
                    terminal.wait_for(b"MACHINE")
                    before = terminal.drawn.count(HOME)
                    share = terminal.cpu_share(2)
                    drawn = terminal.drawn.count(HOME) - before
                    # It draws 2 or 4 times in a second, and sleeps in between.
                    self.assertLess(drawn, 20)
                    self.assertLess(share, 0.15)
                    terminal.process.send_signal(signal.SIGINT)
                    self.assertEqual(terminal.wait(), 0)


if __name__ == "__main__":
    unittest.main()
