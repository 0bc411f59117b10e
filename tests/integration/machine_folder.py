"""Folders that stand for machines, for `rise doctor` and scripts/rt-tune. This machine's own settings
are never touched: every call names a folder."""
import hashlib
import os
import pathlib
import re
import stat
import subprocess
import sys
import tempfile
import unittest

from common import harness

TUNE = harness.ROOT / "scripts" / "rt-tune"
CPU = "sys/devices/system/cpu"
THP = "sys/kernel/mm/transparent_hugepage/enabled"
PAGES = "sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages"
UNIT = "etc/systemd/system/rise-rt-tune.service"
WANTED = "etc/systemd/system/multi-user.target.wants/rise-rt-tune.service"
SNIPPET = "etc/default/grub.d/rise-rt.cfg"
PROGRAM = "usr/local/sbin/rise-rt-tune"

# A machine as it comes from the installer, with a kernel for real time.
FRESH = {
    "proc/version": "Linux version 6.12.9-amd64 (a@b) (gcc) #1 SMP PREEMPT_RT Debian 6.12.9-1\n",
    "proc/cmdline": "quiet\n",
    "proc/sys/kernel/osrelease": "6.12.9-amd64\n",
    "proc/sys/kernel/sched_rt_runtime_us": "950000\n",
    "proc/sys/kernel/nmi_watchdog": "1\n",
    "proc/sys/vm/swappiness": "60\n",
    "proc/sys/vm/stat_interval": "1\n",
    "proc/sys/net/core/busy_poll": "0\n",
    "proc/sys/net/core/busy_read": "0\n",
    "proc/irq/default_smp_affinity": "f\n",
    "proc/irq/24/smp_affinity_list": "0-3\n",
    "proc/irq/25/smp_affinity_list": "3\n",
    "proc/irq/26/smp_affinity_list": "0,2\n",
    "proc/irq/99/smp_affinity_list": "0-3\n",  # nobody uses it: not in /proc/interrupts
    "proc/interrupts": "           CPU0  CPU1  CPU2  CPU3\n"
    " 24:  1  0  0  9  PCI-MSI 0-edge  eth0-rx\n"
    " 25:  0  0  0  4  PCI-MSI 1-edge  nvme0q1\n"
    " 26:  5  0  0  0  PCI-MSI 2-edge  xhci\n"
    "NMI:  0  0  0  0  Non-maskable interrupts\n",
    f"{CPU}/online": "0-3\n",
    f"{CPU}/isolated": "\n",
    THP: "[always] madvise never\n",
    PAGES: "0\n",
    "etc/default/grub": 'GRUB_CMDLINE_LINUX_DEFAULT="quiet"\n',
    "etc/systemd/system/multi-user.target.wants/other.service": "[Unit]\n",
}
for number in range(4):
    FRESH[f"{CPU}/cpu{number}/cpufreq/scaling_governor"] = "powersave\n"
    FRESH[f"{CPU}/cpu{number}/topology/thread_siblings_list"] = f"{number}\n"

# Cores 1 and 3 are one with two threads.
SHARED = {f"{CPU}/cpu{number}/topology/thread_siblings_list": "1,3\n" for number in (1, 3)}

# What is set, and to what.
SET = {
    "proc/sys/kernel/sched_rt_runtime_us": "-1\n",
    "proc/sys/kernel/nmi_watchdog": "0\n",
    "proc/sys/vm/swappiness": "1\n",
    "proc/sys/vm/stat_interval": "10\n",
    "proc/irq/default_smp_affinity": "7\n",
    "proc/irq/24/smp_affinity_list": "0-2\n",
    "proc/irq/25/smp_affinity_list": "0-2\n",  # it had the lane's core only: now all others
    THP: "always [madvise] never\n",
    PAGES: "64\n",
    **{f"{CPU}/cpu{number}/cpufreq/scaling_governor": "performance\n" for number in range(4)},
}


def snapshot(root):
    """Every folder, file and link with its mode and content."""
    tree = {}
    for path in sorted(pathlib.Path(root).rglob("*")):
        name = str(path.relative_to(root))
        mode = stat.S_IMODE(path.lstat().st_mode)
        if path.is_symlink():
            tree[name] = ("link", os.readlink(path))
        elif path.is_dir():
            tree[name] = ("folder", mode)
        else:
            tree[name] = (mode, hashlib.sha256(path.read_bytes()).hexdigest())
    return tree


def changed_files(before, after):
    """Not folders: they come and go with what is in them."""
    names = {n for n in before.keys() | after.keys() if before.get(n) != after.get(n)}
    return {n for n in names if (after.get(n) or before.get(n))[0] != "folder"}


def announced(output):
    """The files that a plan says it changes."""
    return {name for name in re.findall(r"^(?:set|keep|create|replace) +/(\S+)", output, re.M)}


class OnAFolder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="rise-doctor-")
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name).resolve() / "machine"
        for name, text in FRESH.items():
            self.put(name, text)
        self.fresh = snapshot(self.root)

    def put(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def get(self, name):
        return (self.root / name).read_text()

    def tune(self, *arguments, root=None, code=0):
        done = subprocess.run(
            [TUNE, *map(str, arguments), "--root", root or self.root],
            capture_output=True,
            text=True,
            timeout=60,
        )
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def doctor(self, *arguments):
        done = subprocess.run(
            [harness.BIN / "rise", "doctor", "--root", self.root, *arguments],
            capture_output=True,
            text=True,
            timeout=60,
        )
        return done

    def assert_untouched(self):
        self.assertEqual(snapshot(self.root), self.fresh)
