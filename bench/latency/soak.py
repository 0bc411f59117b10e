"""Soak: a core for hours under load, a sample of it each minute; then: has anything grown?

Either a plant of our own, as in a run, with a sidecar; or a core that runs anyhow (--region), which
is only looked at.
"""
import os
import subprocess
import time

import fingerprint
from latency import drift, grade, lane, loads
from latency.options import off_the_core

import figures  # noqa: E402

SAVE_EVERY_S = 600  # so that a power cut costs no more than this


class Process:
    """A process from outside; what cannot be read is None."""

    def __init__(self, pid, name):
        self.pid, self.name = pid, name

    def sample(self):
        if self.pid is None:
            return {}
        out = {}
        try:
            out[f"{self.name}_memory_kib"] = figures.resident(self.pid)["outside"]
        except (OSError, KeyError):
            out[f"{self.name}_memory_kib"] = None
        try:
            out[f"{self.name}_descriptors"] = len(os.listdir(f"/proc/{self.pid}/fd"))
        except OSError:
            out[f"{self.name}_descriptors"] = None
        return out


def latencies(before, after):
    """Of the cycles between two views."""
    out = {}
    for name in ("wakeup", "cycle"):
        old, new = (
            lane.histogram_of(view["lanes"][0]["histograms"][name]) for view in (before, after)
        )
        fresh = new.since(old)
        if not fresh.count:
            continue
        for key, fraction in (("p50", 0.5), ("p99", 0.99), ("p999", 0.999)):
            out[f"{name}_{key}_us"] = fresh.percentile(fraction) / 1000
        out[f"{name}_max_us"] = fresh.max_ns / 1000
    return out


class Soak:
    def __init__(self, options, settings, say):
        """settings: hours, interval_s, load, region (or None), limits (of drift), save (a call)."""
        self.options, self.settings, self.say = options, settings, say
        self.samples, self.findings, self.remarks = [], [], []
        self.loads = {}
        self.fault = ""
        self.interrupted = False
        self.region = settings.region

    def run(self):
        """-> self. What has gone wrong is in .fault."""
        why = lane.missing()
        if why:
            raise RuntimeError(why)
        self.machine = fingerprint.take()
        self.doctor = grade.doctor(self.options.cpu)
        try:
            with off_the_core(self.options):
                if self.region:
                    self.watch(None)
                else:
                    self.own()
        except KeyboardInterrupt:
            self.interrupted = True
            self.remarks.append("interrupted: judged by what there is")
        try:
            self.findings = drift.judge(self.samples, self.settings.limits)
        except drift.TooShort as why:
            self.fault = self.fault or f"no verdict: {why}"
        self.unread()
        return self

    def own(self):
        seconds = self.settings.hours * 3600
        try:
            with lane.Controls(self.options, "soak") as controls:
                with loads.make(self.settings.load, self.options, seconds) as running:
                    self.loads = {self.settings.load: {"command": " ".join(running.command)}}
                    controls.start_core()
                    controls.plant.start_sidecar()
                    controls.beside(running.beside)
                    self.region = controls.plant.region
                    self.watch(controls.plant.sidecar.pid)
                    running.check()
        except (
            loads.Absent,
            RuntimeError,
            TimeoutError,
            subprocess.SubprocessError,
        ) as fault:
            self.fault = str(fault)

    def watch(self, sidecar):
        cpus, interval_s = self.options.other_cpus, self.settings.interval_s
        before = lane.snapshot(self.region, cpus)
        if before is None:
            raise RuntimeError(f'no core "{self.region}" runs')
        if before["lanes"][0]["shortfall"]:
            self.remarks.append(f"the lane does without: {before['lanes'][0]['shortfall']}")
        if sidecar is None:
            alive = [r["pid"] for r in before["readers"] if r["alive"] and r["name"] == "sidecar"]
            sidecar = alive[0] if alive else None
        processes = [Process(before["pid"], "core"), Process(sidecar, "sidecar")]
        begun = saved = time.monotonic()
        end = begun + self.settings.hours * 3600
        due = begun + interval_s
        while due <= end + interval_s / 2:
            time.sleep(max(0, due - time.monotonic()))
            view = lane.snapshot(self.region, cpus)
            if view is None or view["pid"] != before["pid"]:
                self.fault = f"the core has ended after {time.monotonic() - begun:.0f} s"
                return
            sample = {"elapsed_s": round(time.monotonic() - begun, 3)}
            sample.update(latencies(before, view))
            for process in processes:
                sample.update(process.sample())
            counters = view["lanes"][0]["counters"]
            for name in ("overruns", "skipped_cycles", "page_faults", "drivers_benched"):
                sample[name] = counters[name]
            self.samples.append(sample)
            self.tell(sample)
            before = view
            due += interval_s
            if time.monotonic() - saved > SAVE_EVERY_S:
                saved = time.monotonic()
                self.settings.save(self.result())

    def tell(self, sample):
        self.say(
            f"{sample['elapsed_s']:9.1f} s  wake-up p99 {sample.get('wakeup_p99_us', 0):7.1f}"
            f"  max {sample.get('wakeup_max_us', 0):7.1f} us"
            f"  core {sample.get('core_memory_kib')} KiB, {sample.get('core_descriptors')} files"
        )

    def unread(self):
        """What could not be judged, in words."""
        judged = {finding["name"] for finding in self.findings}
        seen = set().union(*self.samples) if self.samples else set()
        for name in (*drift.LATENCIES, *drift.MEMORY, *drift.DESCRIPTORS):
            if self.findings and name in seen and name not in judged:
                self.remarks.append(f"{name} could not be read all the time, and is not judged")

    @property
    def drifted(self):
        return [finding for finding in self.findings if finding["drifted"]]

    def result(self):
        settings = self.settings
        parameters = {
            **self.options.as_json(),
            "hours": settings.hours,
            "interval_s": settings.interval_s,
            "limits": settings.limits,
            "region": settings.region,
        }
        return {
            "kind": "soak",
            "machine": self.machine,
            "doctor": self.doctor,
            "parameters": parameters,
            "loads": self.loads,
            "remarks": self.remarks,
            "interrupted": self.interrupted,
            "fault": self.fault,
            "samples": self.samples,
            "findings": self.findings,
        }
