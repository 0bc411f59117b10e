"""What is measured with: the same numbers for cyclictest and the lane."""
import contextlib
import dataclasses
import os


@dataclasses.dataclass(frozen=True)
class Options:
    seconds: float = 10.0  # of each round
    rounds: int = 5
    period_us: int = 1000  # 125 to 100000
    priority: int = 80  # SCHED_FIFO; 0 = ordinary scheduling
    cpu: int = 0  # the measured core
    machines: int = 8  # simulated controls on the lane, each swept every 10 ms
    seed: int = 1  # of the order within the rounds
    all_cpus: tuple = (0,)  # that this process may use
    other_cpus: tuple = (0,)  # all but the measured one; that one if there is no other

    def but(self, **changes):
        return dataclasses.replace(self, **changes)

    def as_json(self):
        return dataclasses.asdict(self)


def cores(cpu):
    """all_cpus and other_cpus of a measurement on that core."""
    everywhere = tuple(sorted(os.sched_getaffinity(0)))
    others = tuple(c for c in everywhere if c != cpu)
    return {"all_cpus": everywhere, "other_cpus": others or (cpu,)}


@contextlib.contextmanager
def off_the_core(options):
    """Our own work is done elsewhere than on the measured core."""
    os.sched_setaffinity(0, options.other_cpus)
    try:
        yield
    finally:
        os.sched_setaffinity(0, options.all_cpus)
