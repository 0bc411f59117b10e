#!/usr/bin/python3
"""What an integrator has: `rise driver new`, `rise driver check`. Each hostile driver of tests/drivers is the negative
control of a check."""
import json
import pathlib
import shutil
import socket
import tempfile
import time
import unittest

from common import LANE, harness
from driver_kit import DRIVERS, RISE, check, report, run
from pseudo_terminal import Terminal
import relay


def escaped(data):
    """As a dialog file has bytes."""
    return "".join(f"\\x{byte:02x}" for byte in data)


# Driver: (the checks that must fail and no others, what the findings must say).
HOSTILE = {
    "allocates": ({"allocations"}, "malloc() in cycle()"),
    "bad_default": ({"description", "host_calls"}, "setting port: its default 0"),
    "believes_lengths": ({"life_cycle"}, "segmentation fault"),
    "corrupts_state": ({"life_cycle"}, "the host's memory"),
    "crashes_in_configure": ({"life_cycle"}, "segmentation fault at 0x0 in configure()"),
    "divides_by_zero": ({"life_cycle"}, "arithmetic error"),
    "forgets_commands": ({"commands"}, "no safe_done"),
    "gives_up": ({"disconnects", "refused"}, "has given up"),
    "hoards": ({"allocations", "system_calls"}, "mmap() in cycle()"),
    "ignores_silence": ({"silent"}, "a minute without a word"),
    "leaks": ({"leaks"}, "bytes of the heap are lost"),
    "locks": ({"allocations"}, "pthread_mutex_lock() in on_bytes()"),
    "loops": ({"life_cycle"}, "does not return in cycle()"),
    "never_finishes_stop": ({"stop"}, "still open after the grace time"),
    "opens_file": ({"system_calls"}, "open"),
    "prints": ({"allocations", "system_calls"}, "forbidden calls on the lane"),
    "reads_beyond": ({"life_cycle"}, "read beyond the end"),
    "reads_the_clock": ({"determinism", "two_instances", "reload"}, "gave another output"),
    "reconnects_at_once": ({"disconnects", "refused"}, "attempts to connect within a second"),
    "refuses_silently": ({"settings"}, "without config_error()"),
    "retries_in_a_loop": ({"queue_full"}, "sends within one call"),
    "returns_garbage": ({"host_calls"}, "there is no signal 999"),
    "shares_state": ({"determinism", "two_instances", "reload"}, "a second machine has changed"),
    "trusts_sizes": ({"struct_sizes"}, "a host of a later minor version"),
    "writes_null": ({"life_cycle"}, "segmentation fault at 0x0 in on_bytes()"),
}
TELEMETRY = f"""{LANE}
[[machine]]
name = "sensors"
driver = "telemetry"
[machine.telemetry]
port = 5005
[[machine.telemetry.sensor]]
id = 1
name = "vibration.spindle"
kind = "vibration"
unit = "m/s2"
rate_hz = 10000
window = 1024
"""
UNLOADABLE = {
    "no_entry": "does not export rise_driver_entry",
    "wrong_version": "it was built for driver ABI 9.1",
    "aborts_when_loaded": "abort while it was loaded",
}


def listening(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Kit(unittest.TestCase):
    def test_well_behaved_passes_all(self):
        with self.dialog() as dialog:
            found = report(DRIVERS / "well_behaved.so", "--dialog", dialog.name)
        self.assertEqual((found["exit"], found["failing"]), (0, set()), found["words"])
        skipped = {c["check"] for c in found["checks"] if c["verdict"] == "skip"}
        self.assertEqual(skipped, {"datagrams", "commands"})  # it has neither

    def test_datagrams_pass_where_lengths_are_not_believed(self):
        found = report(DRIVERS / "careful_datagrams.so", "--only", "datagrams")
        self.assertEqual((found["exit"], found["passed"]), (0, 1), found["words"])
        found = report(DRIVERS / "believes_lengths.so", "--only", "datagrams")
        self.assertIn("in on_datagram()", found["words"])

    def test_focas_passes_all(self):
        found = report(
            harness.OUT / "lib/rise/drivers/focas.so",
            "--config",
            harness.ROOT / "config/rise.toml",
        )
        self.assertEqual((found["exit"], found["failing"]), (0, set()), found["words"])

    def test_focas_passes_all_with_what_a_control_answers(self):
        focas = [
            harness.OUT / "lib/rise/drivers/focas.so",
            "--config",
            harness.ROOT / "config/rise.toml",
        ]
        spoken = {}
        with tempfile.NamedTemporaryFile("w", suffix=".dialog") as file:
            # Which reads meet in a frame depends on the moment: until all are there that are asked for.
            for _ in range(8):
                new = {k: v for k, v in self.spoken_with_a_control().items() if k not in spoken}
                spoken.update(new)
                for request, reply in new.items():
                    file.write(f"{escaped(request)} => {escaped(reply)}\n")
                file.flush()
                found = report(*focas, "--dialog", file.name, "--only", "dialog")
                if found["exit"] == 0:
                    found = report(*focas, "--dialog", file.name)
                if found["failing"] != {"dialog"}:
                    break
            self.assertGreater(len(spoken), 5, "open, system information, several reads")
        self.assertEqual((found["exit"], found["failing"]), (0, set()), found["words"])
        torn = next(check for check in found["checks"] if check["check"] == "torn")
        self.assertEqual(torn["notes"], [], "the pieces were judged")

    def test_a_dialog_of_another_device_is_noticed(self):
        with tempfile.NamedTemporaryFile("w", suffix=".dialog") as file:
            file.write("HELLO\\n => world\\n\n")
            file.flush()
            options = ("--dialog", file.name, "--only", "dialog")
            found = report(DRIVERS / "well_behaved.so", *options)
        self.assertEqual(found["failing"], {"dialog"}, found["words"])
        self.assertIn("the dialog has no answer to", found["words"])

    def spoken_with_a_control(self):
        """What the core asked a simulated control, and what that answered."""
        controls, between = harness.free_ports(2), 0
        with harness.Plant("kit-focas") as plant, relay.Relay(controls) as between:
            plant.start_simulator(harness.control_toml("mill", controls, axes=("X", "Y", "Z", "A")))
            config = (harness.ROOT / "config/rise.toml").read_text()
            first = config[config.index("\n[[machine]]") : config.index("# A lathe")]
            plant.start_core(LANE + first.replace("127.0.0.1:18193", f"127.0.0.1:{between.port}"))
            plant.wait_up()
            time.sleep(4)  # all groups, more than once
        return between.spoken

    def test_each_hostile_driver_fails_its_check_and_no_other(self):
        for name, (checks, words) in HOSTILE.items():
            with self.subTest(driver=name):
                found = report(DRIVERS / f"{name}.so")
                self.assertEqual(found["failing"], checks, found["words"])
                self.assertIn(words, found["words"])
                self.assertEqual(found["exit"], 1)

    def test_every_driver_of_the_folder_has_an_expectation(self):
        elsewhere = {"well_behaved", "careful_datagrams", "sleeps", "is_slow", "needs_whole_lines"}
        elsewhere |= {"misbehaves", "floods"}  # of other suites, and of benches
        built = {path.stem for path in (harness.ROOT / "tests" / "drivers").glob("*.c")}
        self.assertEqual(built - set(HOSTILE) - set(UNLOADABLE) - elsewhere, set())

    def test_a_driver_that_needs_a_config_says_so_once(self):
        found = report(harness.OUT / "lib/rise/drivers/telemetry.so")
        self.assertEqual(found["failing"], {"life_cycle"})
        self.assertIn("give one that fits with --config", found["words"])

    def test_telemetry_passes_all(self):
        with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
            file.write(TELEMETRY)
            file.flush()
            found = report(harness.OUT / "lib/rise/drivers/telemetry.so", "--config", file.name)
        self.assertEqual((found["exit"], found["failing"]), (0, set()), found["words"])

    def test_waiting_and_slowness_are_told_apart(self):
        found = report(DRIVERS / "sleeps.so", "--only", "time")
        self.assertIn("it waits", found["words"])
        found = report(DRIVERS / "is_slow.so", "--only", "time")
        self.assertIn("CPU time or more", found["words"])
        self.assertNotIn("it waits", found["words"])

    def test_a_reply_in_pieces_needs_a_dialog_to_be_judged(self):
        with self.dialog() as dialog:
            options = ("--dialog", dialog.name, "--only", "torn")
            found = report(DRIVERS / "needs_whole_lines.so", *options)
            self.assertEqual(found["failing"], {"torn"}, found["words"])
            found = report(DRIVERS / "needs_whole_lines.so", "--only", "torn")
            self.assertIn("with --dialog only", found["checks"][0]["notes"][0])

    @staticmethod
    def dialog():
        file = tempfile.NamedTemporaryFile("w", suffix=".dialog")
        file.write("?\\n => {number}\\n\n")
        file.flush()
        return file

    def test_accepted_commands_that_never_end_are_found(self):
        config = (
            'machine = [{name = "m", driver = "forgets_commands", '
            'output = [{name = "o", target = "t", min = 0.0, max = 1.0}]}]\n' + LANE
        )
        with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
            file.write(config)
            file.flush()
            found = report(
                DRIVERS / "forgets_commands.so", "--config", file.name, "--only", "commands"
            )
        self.assertIn("accepted commands have no command_done", found["words"])

    def test_what_cannot_be_loaded_is_one_line(self):
        for name, words in UNLOADABLE.items():
            with self.subTest(driver=name):
                done = check(DRIVERS / f"{name}.so")
                self.assertEqual((done.returncode, done.stdout), (2, ""))
                self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
                self.assertIn(words, done.stderr)
                done = check(DRIVERS / f"{name}.so", "--json")
                self.assertEqual(done.returncode, 2)
                self.assertFalse(json.loads(done.stdout)["loadable"])

    def test_no_file_and_another_machines_file_are_one_line(self):
        with tempfile.TemporaryDirectory() as folder:
            other = pathlib.Path(folder) / "other.so"
            content = bytearray((DRIVERS / "well_behaved.so").read_bytes())
            content[18] ^= 0xFF  # e_machine of the ELF header
            other.write_bytes(content)
            text = pathlib.Path(folder) / "text.so"
            text.write_text("no driver\n")
            for path in (other, text, pathlib.Path(folder) / "absent.so"):
                done = check(path)
                self.assertEqual((done.returncode, done.stderr.count("\n")), (2, 1), done.stderr)
                self.assertIn(path.name, done.stderr)

    def test_usage(self):
        self.assertEqual(check("a.so", "b.so").returncode, 64)
        self.assertEqual(check(DRIVERS / "leaks.so", "--only", "nonsense").returncode, 64)
        self.assertEqual(check(DRIVERS / "leaks.so", "--seed", "x").returncode, 64)
        self.assertEqual(check(DRIVERS / "leaks.so", "--config", "/absent").returncode, 64)
        self.assertIn("usage: rise driver check", check("--help").stdout)
        self.assertIn("two_instances", check("--list").stdout)

    def test_a_finding_is_replayed_by_its_seed(self):
        first = report(DRIVERS / "shares_state.so", "--only", "two_instances", "--seed", "7")
        again = report(DRIVERS / "shares_state.so", "--only", "two_instances", "--seed", "7")
        self.assertEqual(first["words"], again["words"])
        other = report(DRIVERS / "shares_state.so", "--only", "two_instances", "--seed", "8")
        self.assertNotEqual(first["words"], other["words"])
        words = first["checks"][0]["again"].split()
        as_said = run(RISE, *words[words.index("driver") :])
        self.assertIn(first["checks"][0]["findings"][0], as_said.stdout)
        self.assertIn("--only two_instances --seed 7", first["checks"][0]["again"])

    def test_nothing_is_left_behind(self):
        before = set(pathlib.Path("/dev/shm").glob("rise-check-*"))
        check(DRIVERS / "writes_null.so")
        self.assertEqual(set(pathlib.Path("/dev/shm").glob("rise-check-*")) - before, set())


class New(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def new(self, name, *options):
        return run(RISE, "driver", "new", name, "--dir", self.folder, *options)

    def test_builds_passes_its_tests_and_the_kit_and_runs(self):
        self.assertEqual(self.new("kiln-7", "--outputs").returncode, 0)
        kiln = self.folder / "kiln-7"
        # Nothing but g++ and make: no tree of ours around it.
        done = run("make", cwd=kiln)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stderr, "")
        done = run("make", "test", cwd=kiln)
        self.assertIn("all tests pass", done.stdout, done.stdout + done.stderr)
        found = report(kiln / "kiln-7.so", "--config", kiln / "kiln-7.toml")
        self.assertEqual((found["exit"], found["failing"]), (0, set()), found["words"])
        notes = {c["check"]: " ".join(c["notes"]) for c in found["checks"]}
        self.assertNotIn(" 0 commands accepted", " " + notes["commands"])
        skipped = {c["check"] for c in found["checks"] if c["verdict"] == "skip"}
        self.assertEqual(skipped, {"datagrams"})
        done = run("make", "check", cwd=kiln)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        port = harness.free_ports(1)
        for file in ("kiln-7.toml", "Makefile"):
            text = (kiln / file).read_text().replace("5025", str(port))
            (kiln / file).write_text(text)
        terminal = Terminal(["make", "-C", kiln, "run"])
        self.addCleanup(terminal.close)
        terminal.wait_for(b"temperature", 30)
        self.set_point_follows_a_command("kiln-7")
        terminal.press(b"q")
        self.assertEqual(terminal.wait(20), 0, terminal.drawn[-2000:])
        harness.wait_until(lambda: not listening(port), 10, "the fake device has ended")

    def test_one_that_only_reads_is_short_and_does_all_that_too(self):
        self.assertEqual(self.new("gauge").returncode, 0)
        gauge = self.folder / "gauge"
        lines = [line.strip() for line in (gauge / "gauge.cpp").read_text().splitlines()]
        self.assertLessEqual(len([n for n in lines if n and not n.startswith("//")]), 60)
        done = run("make", cwd=gauge)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        done = run("make", "test", cwd=gauge)
        self.assertIn("all tests pass", done.stdout, done.stdout + done.stderr)
        found = report(gauge / "gauge.so", "--config", gauge / "gauge.toml")
        self.assertEqual((found["exit"], found["failing"]), (0, set()), found["words"])
        skipped = {c["check"] for c in found["checks"] if c["verdict"] == "skip"}
        self.assertEqual(skipped, {"datagrams", "commands"})
        port = harness.free_ports(1)
        for file in ("gauge.toml", "Makefile"):
            text = (gauge / file).read_text().replace("5025", str(port))
            (gauge / file).write_text(text)
        done = run("make", "run", "DURATION=4", cwd=gauge, timeout=60)
        self.assertRegex(done.stdout, r"device-1 +temperature \d+")
        self.assertIn("up", done.stdout)

    def test_steps_7_and_8_of_the_guide(self):
        """The config is checked; the shared object is put where another machine's core looks for it."""
        self.assertEqual(self.new("kiln").returncode, 0)
        kiln = self.folder / "kiln"
        self.assertEqual(run("make", cwd=kiln).returncode, 0)
        config = (kiln / "kiln.toml").read_text()
        (kiln / "wrong.toml").write_text(config.replace("period_ms =", "peroid_ms ="))
        done = run(RISE.resolve(), "check", "wrong.toml", cwd=kiln)
        self.assertEqual(done.returncode, 2)
        self.assertIn('did you mean "period_ms"?', done.stdout + done.stderr)
        done = run(RISE.resolve(), "check", "--keys", "kiln.toml", cwd=kiln)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("machine.*.kiln.period_ms", done.stdout)
        # A machine of its own: programs and drivers as they are installed.
        place = self.folder / "opt"
        shutil.copytree(harness.BIN, place / "bin")
        (place / "lib/rise/drivers").mkdir(parents=True)
        shutil.copy(kiln / "kiln.so", place / "lib/rise/drivers")
        lines = [line for line in config.splitlines() if not line.startswith("driver_path")]
        (place / "site.toml").write_text("\n".join(lines))
        done = run(place / "bin/rise", "check", place / "site.toml")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        (place / "lib/rise/drivers/kiln.so").unlink()  # the control
        self.assertEqual(run(place / "bin/rise", "check", place / "site.toml").returncode, 2)

    def set_point_follows_a_command(self, core):
        def rise(*words):
            return run(RISE, *words, "--region", core)

        def machine():
            done = rise("top", "--once", "--json")
            return json.loads(done.stdout)["machines"][0] if done.returncode == 0 else None

        harness.wait_until(lambda: (machine() or {}).get("safety") == "disarmed", 20, "is ready")
        done = rise("arm", "device-1")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        done = rise("set", "device-1", "setpoint", "25")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(machine()["signals"]["setpoint"]["value"], 25)
        self.assertNotEqual(rise("set", "device-1", "setpoint", "99").returncode, 0)  # max 80

    def test_the_folder_has_no_marker_left(self):
        self.assertEqual(self.new("kiln").returncode, 0)
        self.assertEqual(self.new("oven", "--outputs").returncode, 0)
        files = [path for name in ("kiln", "oven") for path in (self.folder / name).glob("*")]
        self.assertEqual(len(files), 2 * 9)
        for path in files:
            self.assertNotIn("NAME", path.name)
            if path.is_file():
                self.assertNotRegex(path.read_text(), r"\bNAME\b|RISE_PROGRAM")

    def test_overwrites_nothing(self):
        (self.folder / "kiln").mkdir()
        done = self.new("kiln")
        self.assertEqual(done.returncode, 1)
        self.assertIn("is there already", done.stderr)
        self.assertEqual(list((self.folder / "kiln").iterdir()), [])

    def test_names_are_checked(self):
        for name in ("", "Kiln", "9kiln", "a b", "../kiln", "focas", "lane", "x" * 25, "kiln_7"):
            with self.subTest(name=name):
                self.assertEqual(self.new(name).returncode, 64)
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_a_folder_that_cannot_be_made_is_said(self):
        done = run(RISE, "driver", "new", "kiln", "--dir", "/proc/none")
        self.assertEqual(done.returncode, 1)
        self.assertIn("cannot be made", done.stderr)


if __name__ == "__main__":
    unittest.main()
