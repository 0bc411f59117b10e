"""What machine a figure was measured on."""
import os
import pathlib
import subprocess
import time


def read(path):
    try:
        return pathlib.Path(path).read_text().strip()
    except OSError:
        return ""


def from_cpuinfo(key):
    for line in read("/proc/cpuinfo").splitlines():
        if line.split(":")[0].strip() == key:
            return line.split(":", 1)[1].strip()
    return ""


def output(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=10).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""


def take():
    version = read("/proc/sys/kernel/version")
    return {
        "cpu": from_cpuinfo("model name"),
        "microcode": from_cpuinfo("microcode"),
        "cores": os.cpu_count(),
        "hypervisor": "hypervisor" in from_cpuinfo("flags").split(),
        "kernel": read("/proc/sys/kernel/osrelease"),
        "preemption": next(
            (w for w in ("PREEMPT_RT", "PREEMPT_DYNAMIC", "PREEMPT") if w in version), "none"
        ),
        "command_line": read("/proc/cmdline"),
        "isolated": read("/sys/devices/system/cpu/isolated"),
        "governor": read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        "clocksource": read("/sys/devices/system/clocksource/clocksource0/current_clocksource"),
        "bios": read("/sys/class/dmi/id/bios_version"),
        "memory_kib": next(
            (
                int(l.split()[1])
                for l in read("/proc/meminfo").splitlines()
                if l.startswith("MemTotal")
            ),
            0,
        ),
        "load": read("/proc/loadavg"),
        "revision": output("git", "describe", "--always", "--dirty"),
        "compiler": output("g++", "--version").splitlines()[:1],
        "utc": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
