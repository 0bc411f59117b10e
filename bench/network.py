"""Benches of the network: bare loops and our ports on the same veth pair, in turn."""
from figures import FIRST_CPU, LAST_CPU, figure, median, program
import harness
import veth


def datagrams(full):
    """UDP over one veth pair, 64 bytes: bare loops and our ports, in turn; receive rate, round trip."""
    why = veth.reason_to_skip()
    if why:
        yield figure("datagrams.skipped", why)
        return
    library = harness.OUT / "lib" / "rise" / "io" / "dpdk.so"
    has_dpdk = library.exists()
    if not has_dpdk:
        yield figure("datagrams.dpdk.skipped", "built without libdpdk-dev")
    rounds, seconds = (9, 2) if full else (5, 0.5)
    found = {}
    for _ in range(rounds):
        # A pair for each round: where the kernel puts it in memory is part of the noise.
        with veth.Veth() as pair:
            for name, value in one_round(pair, seconds, library if has_dpdk else None).items():
                found.setdefault(name, []).append(value)
    middle = {name: (median([v for v, _ in each]), each[0][1]) for name, each in found.items()}
    for name, (value, unit) in middle.items():
        yield figure(name, value, unit)
    couples = [("plain", "recvmmsg"), ("uring", "multishot")]
    for ours, bare in couples + ([("dpdk", "dpdk_bare")] if has_dpdk else []):
        for what, limit in (("rate_per_s", {"at_least": 0.9}), ("rtt.p50_us", {"at_most": 1.1})):
            ratio = median(
                [
                    a / max(b, 1e-9)
                    for (a, _), (b, _) in zip(
                        found[f"datagrams.{ours}.{what}"], found[f"datagrams.{bare}.{what}"]
                    )
                ]
            )
            yield figure(f"datagrams.{ours}.{what}.ratio_to_{bare}", ratio, "x", **limit)
        # What the port itself costs: checks, checksums, a copy to where the driver may read it.
        busy = "busy_ns_per_datagram"
        costs = middle[f"datagrams.{ours}.{busy}"][0] - middle[f"datagrams.{bare}.{busy}"][0]
        yield figure(f"datagrams.{ours}.{busy}.more_than_{bare}", costs, "ns")


def one_round(pair, seconds, library):
    """All ways once. -> name: (value, unit)"""
    pair.give_kernel_address()
    device = f"net_af_packet0,iface={pair.port}"
    kernel = [seconds, LAST_CPU, pair.KERNEL_ADDRESS, pair.PEER_ADDRESS]
    dpdk = [seconds, LAST_CPU, pair.OUR_ADDRESS, pair.PEER_ADDRESS]
    ways = [["datagrams", way, *kernel] for way in ("recvmmsg", "plain", "multishot", "uring")]
    if library:
        ways.append(["datagrams_bare", *dpdk, device, pair.PEER_MAC])
        ways.append(["datagrams", "dpdk", *dpdk, library, device])
    there = [*pair.prefix(pair.theirs), harness.OUT / "bench" / "datagrams"]
    peer = harness.Process([*there, "peer", pair.PEER_ADDRESS, FIRST_CPU], name="peer")
    out = {}
    try:
        harness.wait_until(lambda: "ready" in peer.output(), 10, "the peer is ready")
        # The bare loop answers no ARP, so the peer is told.
        neighbour = ["neighbour", "replace", pair.OUR_ADDRESS, "lladdr", pair.OUR_MAC]
        veth.ip("-n", pair.theirs, *neighbour, "dev", pair.peer)
        for way in ways:
            out.update(program(*way, prefix=pair.prefix(pair.ours)))
    finally:
        peer.close()
    return out


def streams(full):
    """TCP over one veth pair, 64 bytes there and back: bare sockets and our ports, in turn."""
    why = veth.reason_to_skip()
    if why:
        yield figure("streams.skipped", why)
        return
    library = harness.OUT / "lib" / "rise" / "io" / "dpdk.so"
    missing = (
        "built without libdpdk-dev"
        if not library.exists()
        else "built without lwIP's sources"
        if b"this build has no TCP over DPDK" in library.read_bytes()
        else ""
    )
    if missing:
        yield figure("streams.dpdk.skipped", missing)
    ways = ["kernel", "plain", "uring"] + ([] if missing else ["dpdk"])
    rounds, seconds = (9, 2) if full else (5, 0.5)
    found = {}
    for _ in range(rounds):
        with veth.Veth() as pair:
            for name, value in one_stream_round(pair, seconds, ways, library).items():
                found.setdefault(name, []).append(value)
    for name, each in found.items():
        yield figure(name, median([value for value, _ in each]), each[0][1])
    for way in ways[1:]:
        ratio = median(
            [
                ours / bare
                for (ours, _), (bare, _) in zip(
                    found[f"streams.{way}.rtt.p50_us"], found["streams.kernel.rtt.p50_us"]
                )
            ]
        )
        yield figure(f"streams.{way}.rtt.p50_us.ratio_to_kernel", ratio, "x")


def one_stream_round(pair, seconds, ways, library):
    """All ways once. -> name: (value, unit)"""
    pair.give_kernel_address()
    there = [*pair.prefix(pair.theirs), harness.OUT / "bench" / "streams"]
    peer = harness.Process([*there, "peer", pair.PEER_ADDRESS, FIRST_CPU], name="peer")
    dpdk = [pair.OUR_ADDRESS, library, f"net_af_packet0,iface={pair.port}"]
    out = {}
    try:
        harness.wait_until(lambda: "ready" in peer.output(), 10, "the peer is ready")
        for way in ways:
            words = [way, seconds, LAST_CPU, pair.PEER_ADDRESS, *(dpdk if way == "dpdk" else [])]
            out.update(program("streams", *words, prefix=pair.prefix(pair.ours)))
    finally:
        peer.close()
    return out
