"""What machine a figure was measured on. What cannot be read is empty."""
import hashlib
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
        return subprocess.run(
            command, capture_output=True, text=True, timeout=10, cwd=pathlib.Path(__file__).parent
        ).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""


def dmi(*names):
    """What the firmware says, as far as no rights are needed to read it."""
    return " ".join(filter(None, (read(f"/sys/class/dmi/id/{name}") for name in names)))


def machine():
    """The same for the same installation, and nothing can be learnt from it: the machine's own
    number is not to be published (machine-id(5))."""
    number = read("/etc/machine-id")
    return hashlib.sha256(f"rise {number}".encode()).hexdigest()[:12] if number else ""


def distribution():
    for line in read("/etc/os-release").splitlines():
        if line.startswith("PRETTY_NAME="):
            return line.split("=", 1)[1].strip('"')
    return ""


def take():
    version = read("/proc/sys/kernel/version")
    return {
        "machine": machine(),
        "product": dmi("sys_vendor", "product_name", "board_name"),
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
        "rt_runtime_us": read("/proc/sys/kernel/sched_rt_runtime_us"),
        "bios": dmi("bios_vendor", "bios_version", "bios_date"),
        "distribution": distribution(),
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
