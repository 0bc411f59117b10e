"""A pseudo-terminal with a program in it: what it draws, the mode that it leaves, its keys."""
import fcntl
import os
import select
import struct
import subprocess
import termios
import time

SCREEN_ON = b"\033[?1049h"
SCREEN_OFF = b"\033[?1049l"


class Terminal:
    """`stdin`: a file in place of the terminal's keys."""

    def __init__(self, arguments, stdin=None):
        self.keys, self.slave = os.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        self.drawn = b""
        source = open(stdin, "rb") if stdin else self.slave

        def own_terminal():
            os.setsid()
            fcntl.ioctl(self.slave, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen(
            [str(a) for a in arguments],
            stdin=source,
            stdout=self.slave,
            stderr=self.slave,
            preexec_fn=own_terminal,
        )
        self.pid = self.process.pid
        if stdin:
            source.close()

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(timeout=5)
        os.close(self.keys)
        os.close(self.slave)

    def read(self, seconds):
        """Takes in what is drawn within that time; returns all of it so far."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if select.select([self.keys], [], [], left)[0]:
                self.drawn += os.read(self.keys, 65536)
        return self.drawn

    def wait_for(self, words, seconds=15, count=1):
        end = time.monotonic() + seconds
        while self.read(0.05).count(words) < count:
            if time.monotonic() > end:
                raise TimeoutError(f"{words} is not drawn: {self.drawn[-2000:]}")

    def press(self, keys):
        os.write(self.keys, keys)

    def wait(self, seconds=15):
        """The exit code. Reads on meanwhile, so that the program can draw its last."""
        end = time.monotonic() + seconds
        while self.process.poll() is None and time.monotonic() < end:
            self.read(0.05)
        self.read(0.05)
        return self.process.wait(timeout=0.1)

    def raw(self):
        """Single keys reach the program, and are not shown."""
        flags = termios.tcgetattr(self.slave)[3]
        return not flags & termios.ICANON and not flags & termios.ECHO

    def restored(self):
        """As a shell expects it: lines with echo, no alternate screen, a cursor."""
        flags = termios.tcgetattr(self.slave)[3]
        lines = bool(flags & termios.ICANON and flags & termios.ECHO)
        off = self.drawn.rfind(SCREEN_OFF)
        shown = self.drawn.rfind(b"\033[?25h") > self.drawn.rfind(b"\033[?25l")
        return lines and shown and off > self.drawn.rfind(SCREEN_ON)

    def cpu_share(self, seconds):
        """Which part of a core the program used in that time."""

        def ticks():
            with open(f"/proc/{self.pid}/stat") as file:
                fields = file.read().rpartition(")")[2].split()
            return int(fields[11]) + int(fields[12])

        before, started = ticks(), time.monotonic()
        self.read(seconds)
        used = (ticks() - before) / os.sysconf("SC_CLK_TCK")
        return used / (time.monotonic() - started)
