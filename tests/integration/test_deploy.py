#!/usr/bin/python3
"""What the packages bring beside the programs fits them: units, man pages, completion, settings of the kernel,
bill of materials, version. The packages themselves: `make deb-test`."""
import importlib.machinery
import importlib.util
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from common import harness

SYSTEMD = harness.ROOT / "config" / "systemd"
SCRIPTS = harness.ROOT / "scripts"
SIDECAR_BAR = 2.0
CORE_BAR = 4.0
# How CLI11 writes an option in a help text: "  -c,--config TEXT", "    --json  ...".
OPTION = re.compile(r"^ +(?:-\w, *)?(--[\w-]+)", re.M)


def ask(*command, **more):
    return subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, timeout=60, **more
    )


class Folder(unittest.TestCase):
    def setUp(self):
        made = tempfile.TemporaryDirectory(prefix="rise-deploy-")
        self.addCleanup(made.cleanup)
        self.folder = pathlib.Path(made.name)


@unittest.skipUnless(shutil.which("systemd-analyze"), "systemd-analyze is not installed")
class Units(Folder):
    def exposure(self, unit):
        done = ask("systemd-analyze", "security", "--offline=true", "--no-pager", unit)
        found = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
        self.assertIsNotNone(found, done.stdout + done.stderr)
        return float(found[1])

    def test_the_sidecar_is_strictly_fenced(self):
        self.assertLessEqual(self.exposure(SYSTEMD / "rise-sidecar.service"), SIDECAR_BAR)

    def test_a_sidecar_without_its_fence_is_over_the_bar(self):  # the control
        text = (SYSTEMD / "rise-sidecar.service").read_text()
        unit = self.folder / "rise-sidecar.service"
        unit.write_text(
            re.sub(r"^(Protect|Private|Restrict|SystemCall)\w+=.*\n", "", text, flags=re.M)
        )
        self.assertGreater(self.exposure(unit), SIDECAR_BAR)

    def test_the_core_is_fenced_as_far_as_its_trade_allows(self):
        self.assertLessEqual(self.exposure(SYSTEMD / "rise-core.service"), CORE_BAR)

    def test_the_core_has_two_capabilities(self):
        text = (SYSTEMD / "rise-core.service").read_text()
        for key in ("AmbientCapabilities", "CapabilityBoundingSet"):
            value = re.search(rf"^{key}=(.*)$", text, re.M)[1].split()
            self.assertEqual(set(value), {"CAP_SYS_NICE", "CAP_IPC_LOCK"})

    def verify(self, change=lambda text: text):
        """systemd's own reader on a root where the programs are where the units look for them."""
        units = self.folder / "usr" / "lib" / "systemd" / "system"
        units.mkdir(parents=True)
        for program in ("usr/bin/rise-core", "usr/bin/rise-sidecar", "bin/sh"):
            path = self.folder / program
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("#!/bin/sh\n")
            path.chmod(0o755)
        for unit in ("rise-core.service", "rise-sidecar.service"):
            (units / unit).write_text(change((SYSTEMD / unit).read_text()))
        done = ask(
            "systemd-analyze",
            "verify",
            "--man=no",
            "--recursive-errors=no",
            f"--root={self.folder}",
            *(units / unit for unit in ("rise-core.service", "rise-sidecar.service")),
        )
        return [line for line in done.stderr.splitlines() if "rise-" in line]

    def test_systemd_reads_them_without_a_word(self):
        self.assertEqual(self.verify(), [])

    def test_systemd_finds_a_key_that_does_not_exist(self):  # the control
        self.assertTrue(self.verify(lambda text: text.replace("RestartSec=", "RestartSecs=")))


class Kernel(unittest.TestCase):
    def test_the_sysctls_are_those_of_rt_tune(self):
        loader = importlib.machinery.SourceFileLoader("rt_tune", str(SCRIPTS / "rt-tune"))
        spec = importlib.util.spec_from_loader("rt_tune", loader)
        rt_tune = importlib.util.module_from_spec(spec)
        loader.exec_module(rt_tune)
        wanted = {name.replace("/", "."): value for name, value, _ in rt_tune.SYSCTLS}
        # Only where lanes have cores of their own: a lane that never sleeps would keep its core for good.
        del wanted["kernel.sched_rt_runtime_us"]
        text = (SYSTEMD / "rise.sysctl").read_text()
        self.assertEqual(dict(re.findall(r"^([\w.]+) = (\S+)$", text, re.M)), wanted)

    def test_the_device_of_the_udev_rule_is_the_one_that_the_core_opens(self):
        name = re.search(r'KERNEL=="([^"]+)"', (SYSTEMD / "rise.udev").read_text())[1]
        source = (harness.ROOT / "rt_core" / "guard" / "realtime.cpp").read_text()
        self.assertIn(f'"/dev/{name}"', source)


class Completion(Folder):
    def setUp(self):
        super().setUp()
        done = ask(SCRIPTS / "cli-texts", "bash", harness.BIN / "rise")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.script = self.folder / "rise"
        self.script.write_text(done.stdout)

    def complete(self, *words):
        """What bash offers for the last word."""
        line = " ".join(f"'{word}'" for word in ("rise", *words))
        done = ask(
            "bash",
            "--norc",
            "-c",
            f'. "{self.script}"; COMP_WORDS=({line}); COMP_CWORD={len(words)}; _rise; '
            'printf "%s\\n" "${COMPREPLY[@]}"',
            cwd=self.folder,
        )
        self.assertEqual(done.stderr, "")
        return set(done.stdout.split())

    def sections(self):
        """--help-all, cut into what it says of each command: name -> text."""
        text = ask(harness.BIN / "rise", "--help-all").stdout
        return dict(re.findall(r"^(\w[\w-]*)\n((?:[ \t].*\n|\n(?=[ \t]))*)", text, re.M))

    def test_every_command_is_offered(self):
        self.assertGreater(len(self.sections()), 10)
        self.assertEqual(self.complete(""), set(self.sections()))

    def test_every_option_is_offered_and_no_other(self):
        for name, text in self.sections().items():
            wanted = set(OPTION.findall(text))
            offered = self.complete(name, "--") - {"--help", "--help-all"}
            if wanted:  # others hand their options on to a program of their own
                self.assertEqual(offered, wanted, name)

    def test_so_are_those_of_the_programs_behind_it(self):
        for words, program in (
            (["replay"], "rise-replay"),
            (["driver", "check"], "rise-driver-check"),
        ):
            said = set(
                re.findall(r"(?<![\w-])--[\w-]+", ask(harness.BIN / program, "--help").stdout)
            )
            self.assertGreater(len(said), 3)
            self.assertEqual(self.complete(*words, "--"), said, program)

    def test_an_option_that_is_missing_would_be_seen(self):  # the control
        self.script.write_text(self.script.read_text().replace("--once", ""))
        self.assertNotIn("--once", self.complete("top", "--"))

    def test_values_are_not_taken_for_commands(self):
        self.assertEqual(self.complete("top", "--region", ""), set())
        self.assertEqual(self.complete("run", "-c", "run", "--d"), {"--duration"})
        self.assertEqual(self.complete("driver", "r"), {"reload"})

    def test_files_and_folders_are_offered_where_they_belong(self):
        (self.folder / "plant.toml").touch()
        (self.folder / "plants").mkdir()
        self.assertEqual(self.complete("run", "--config", "pla"), {"plant.toml", "plants"})
        self.assertEqual(self.complete("check", "plant."), {"plant.toml"})
        self.assertEqual(self.complete("doctor", "--root", "pla"), {"plants"})

    def test_zsh_gets_the_same(self):
        done = ask(SCRIPTS / "cli-texts", "zsh", harness.BIN / "rise")
        self.assertTrue(done.stdout.startswith("#compdef rise\n"))
        self.assertIn(self.script.read_text().rstrip(), done.stdout)

    def test_a_help_text_that_cannot_be_read_is_an_error(self):
        program = self.folder / "odd"
        program.write_text("#!/bin/sh\necho 'usage: odd'\necho '  -x --two-names-in-a-new-way'\n")
        program.chmod(0o755)
        done = ask(SCRIPTS / "cli-texts", "bash", program)
        self.assertEqual(done.returncode, 1)
        self.assertIn("two-names", done.stderr)


class Pages(Folder):
    def setUp(self):
        super().setUp()
        done = ask(SCRIPTS / "cli-texts", "pages", harness.BIN, "1.2.3", self.folder)
        self.assertEqual(done.returncode, 0, done.stderr)

    def page(self, name):
        text = next(self.folder.glob(f"man*/{name}.?")).read_text()
        return re.sub(r"\\f.", "", text.replace("\\-", "-"))

    def test_every_program_has_one_that_tells_all_its_options(self):
        for program in sorted(harness.BIN.iterdir()):
            said = ask(program, "--help-all" if program.name == "rise" else "--help").stdout
            options = set(re.findall(r"^ +(?:-\w, ?)?(--[\w-]+)", said, re.M))
            self.assertTrue(options, program.name)
            page = self.page(program.name)
            for option in options - {"--help", "--help-all"}:
                self.assertRegex(page, rf"(?<![\w-]){option}(?![\w-])", program.name)
            self.assertIn('"RISE-RT 1.2.3"', page)

    def test_every_setting_is_in_rise_toml_5(self):
        page = self.page("rise.toml")
        keys = re.findall(r"^([\w.*]+): ", ask(harness.BIN / "rise-core", "--keys").stdout, re.M)
        self.assertGreater(len(keys), 50)
        for key in keys:
            name = [part for part in key.split(".") if part != "*"][-1]
            self.assertRegex(page, rf"(?m)^{name}: ", key)

    @unittest.skipUnless(shutil.which("groff"), "groff is not installed")
    def test_groff_has_nothing_to_say(self):
        for page in self.folder.glob("man*/*"):
            done = ask("groff", "-man", "-ww", "-Tutf8", "-z", page)
            self.assertEqual((done.returncode, done.stderr), (0, ""), page.name)

    @unittest.skipUnless(shutil.which("groff"), "groff is not installed")
    def test_groff_would(self):  # the control
        page = self.folder / "bad.1"
        page.write_text(".TH BAD 1\n.SH NAME\n\\fQbad\n.nonsense\n")
        self.assertNotEqual(ask("groff", "-man", "-ww", "-Tutf8", "-z", page).stderr, "")


@unittest.skipUnless(shutil.which("dpkg-query"), "not a Debian system")
class Bill(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        env = {**os.environ, "SOURCE_DATE_EPOCH": "1700000000"}
        # The seed of Python's hashes: another order of sets.
        done = [
            ask(SCRIPTS / "sbom", harness.OUT, "1.2.3", env={**env, "PYTHONHASHSEED": seed})
            for seed in ("1", "2", "3")
        ]
        if done[0].returncode != 0:
            raise AssertionError(done[0].stderr)
        cls.texts = [one.stdout for one in done]
        cls.bill = json.loads(cls.texts[0])
        cls.parts = {part["name"]: part for part in cls.bill["components"]}

    def how(self, name):
        properties = self.parts[name]["properties"]
        return {one["value"] for one in properties if one["name"] == "rise:how"}

    def test_it_is_cyclonedx(self):
        self.assertEqual((self.bill["bomFormat"], self.bill["specVersion"]), ("CycloneDX", "1.5"))
        self.assertRegex(
            self.bill["serialNumber"],
            r"^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$",
        )
        self.assertEqual(self.bill["metadata"]["timestamp"], "2023-11-14T22:13:20Z")
        refs = [part["bom-ref"] for part in self.bill["components"]]
        self.assertEqual(len(refs), len(set(refs)))
        for part in self.bill["components"]:
            self.assertIn(part["type"], ("library", "application"))
            self.assertTrue(part["name"] and part["version"] and part["purl"].startswith("pkg:"))
            self.assertIn(part["scope"], ("required", "excluded"))
        wanted = set(self.bill["dependencies"][0]["dependsOn"])
        self.assertLessEqual(wanted, set(refs))

    def test_the_same_is_the_same(self):
        self.assertEqual(len(set(self.texts)), 1)

    def test_what_the_programs_are_linked_with_is_in_it(self):
        needed = ask("readelf", "-d", *harness.BIN.iterdir()).stdout
        names = set(re.findall(r"\(NEEDED\).*\[(\S+)\]", needed))
        self.assertIn("libc.so.6", names)
        text = json.dumps(self.bill)
        for name in names:
            found = ask("sh", "-c", f"ldconfig -p | grep -m1 '{name} ' || true").stdout
            path = found.rpartition("=> ")[2].strip()
            if not path:
                continue
            owner = ask("dpkg-query", "-S", os.path.realpath(path)).stdout
            owner = owner or ask("dpkg-query", "-S", path).stdout
            self.assertIn(f'"name": "{owner.split(":")[0]}"', text, name)

    def test_header_only_and_static_libraries_are_in_it(self):
        for name in ("libtomlplusplus-dev", "libcli11-dev", "libflatbuffers-dev", "liburing-dev"):
            self.assertIn("compiled in", self.how(name))
            self.assertEqual(self.parts[name]["scope"], "required")

    def test_tools_are_told_apart_and_tests_left_out(self):
        self.assertEqual(self.how("flatbuffers-compiler"), {"tool"})
        self.assertEqual(self.parts["flatbuffers-compiler"]["scope"], "excluded")
        self.assertNotIn("cpputest", self.parts)


@unittest.skipUnless((harness.ROOT / ".git").exists(), "not a git repository")
class Distribution(Folder):
    def dist(self, name):
        env = {**os.environ, "BUILD": str(self.folder / name)}
        done = ask(SCRIPTS / "dist", env=env)
        self.assertEqual(done.returncode, 0, done.stderr)
        return pathlib.Path(done.stdout.strip())

    def test_the_same_commit_gives_the_same_tarball(self):
        self.assertEqual(self.dist("a").read_bytes(), self.dist("b").read_bytes())

    def test_the_tarball_knows_its_version_without_git(self):
        tarball = self.dist("a")
        self.assertEqual(ask("tar", "-xf", tarball, "-C", self.folder).returncode, 0)
        version = ask(SCRIPTS / "version").stdout.strip()
        unpacked = self.folder / f"rise-{version}"
        # A folder without git above it, whatever lies around this one.
        env = {**os.environ, "GIT_DIR": "/nonexistent"}
        for option in ((), ("--epoch",), ("--commit",)):
            here = ask(SCRIPTS / "version", *option).stdout
            self.assertEqual(ask(unpacked / "scripts" / "version", *option, env=env).stdout, here)
        self.assertTrue((unpacked / "Makefile").exists())

    def test_the_version_sorts(self):
        version = ask(SCRIPTS / "version").stdout.strip()
        self.assertRegex(version, r"^\d+\.\d+\.\d+(\+git\d{8}\.\d{4}\.[0-9a-f]{7})?$")


class Packaging(unittest.TestCase):
    def test_every_package_of_the_list_has_its_files(self):
        control = (SCRIPTS / "deb" / "control").read_text()
        names = set(re.findall(r"^Package: (\S+)", control, re.M))
        self.assertEqual({p.stem for p in (SCRIPTS / "deb").glob("*.install")}, names)

    def test_shell_scripts_are_sound(self):
        for script in [
            *(SCRIPTS / "deb").glob("*.p*"),
            SCRIPTS / "deb" / "build",
            SCRIPTS / "deb" / "after-upgrade",
            *(SCRIPTS / name for name in ("chroot", "chroot-test", "dist", "version", "setup")),
        ]:
            done = ask("sh", "-n", script)
            self.assertEqual((done.returncode, done.stderr), (0, ""), script.name)


if __name__ == "__main__":
    unittest.main()
