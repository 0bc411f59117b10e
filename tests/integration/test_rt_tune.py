#!/usr/bin/python3
"""scripts/rt-tune on folders that stand for machines, and on a real kernel in an emulated one."""
import importlib.machinery
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import types
import unittest
import zipfile

from common import harness, without_realtime
from machine_folder import (
    announced,
    changed_files,
    CPU,
    OnAFolder,
    PAGES,
    PROGRAM,
    SET,
    snapshot,
    SNIPPET,
    THP,
    TUNE,
    UNIT,
    WANTED,
)


class RtTune(OnAFolder):
    def test_dry_run_changes_nothing(self):
        for more in ([], ["--persist"]):
            output = self.tune("--dry-run", *more)
            self.assertIn("nothing was changed", output)
            self.assert_untouched()

    def test_apply_does_what_dry_run_said_and_undo_puts_it_back(self):
        plan = self.tune("--dry-run")
        output = self.tune("--apply")
        self.assertEqual(plan.splitlines()[:-1], output.splitlines()[:-1])
        after = snapshot(self.root)
        self.assertEqual(changed_files(self.fresh, after), announced(plan))
        for name, text in SET.items():
            self.assertEqual(self.get(name), text, name)
        self.assertEqual(set(SET), announced(plan) - {"run/rise-rt-tune/undo-1.sh"})
        self.tune("--undo")
        self.assert_untouched()

    def test_the_check_of_the_trees_finds_a_change(self):
        """The negative control of the two tests above."""
        self.put("proc/irq/99/smp_affinity_list", "0-3 \n")
        changed = changed_files(self.fresh, snapshot(self.root))
        self.assertEqual(changed, {"proc/irq/99/smp_affinity_list"})
        self.assertNotIn("proc/irq/99/smp_affinity_list", announced(self.tune("--dry-run")))

    def test_persist(self):
        plan = self.tune("--dry-run", "--persist")
        self.tune("--apply", "--persist")
        self.assertEqual(changed_files(self.fresh, snapshot(self.root)), announced(plan))
        self.assertEqual(set(announced(plan)) & {"etc/default/grub"}, set(), "never in place")
        # the snippet, as grub-mkconfig reads it
        shell = '. "$0/etc/default/grub"; . "$1"; printf %s "$GRUB_CMDLINE_LINUX_DEFAULT"'
        done = subprocess.run(
            ["sh", "-euc", shell, self.root, self.root / SNIPPET], capture_output=True, text=True
        )
        self.assertEqual(
            (done.stdout, done.stderr),
            (
                "quiet isolcpus=managed_irq,domain,3 nohz_full=3 rcu_nocbs=3 irqaffinity=0-2",
                "",
            ),
        )
        drop_in = "etc/systemd/system/rise-sidecar.service.d/rise-rt-tune.conf"
        self.assertIn("[Service]\nCPUAffinity=0-2\n", self.get(drop_in))
        # the program that the unit runs is a copy of this one
        self.assertEqual((self.root / PROGRAM).read_bytes(), TUNE.read_bytes())
        self.assertTrue(os.access(self.root / PROGRAM, os.X_OK))
        self.assertIn(f"ExecStart=/{PROGRAM} --apply --cpu 3 --hugepages 64\n", self.get(UNIT))
        self.assertEqual(self.get(WANTED), self.get(UNIT), "it is enabled")
        self.tune("--undo")
        self.assert_untouched()

    @unittest.skipUnless(shutil.which("systemd-analyze"), "needs systemd-analyze")
    def test_the_unit_is_one(self):
        self.tune("--apply", "--persist")

        def verify():
            done = subprocess.run(
                ["systemd-analyze", "verify", f"--root={self.root}", "rise-rt-tune.service"],
                capture_output=True,
                text=True,
            )
            # Faults of the file have its line; that the folder holds no other unit is none.
            return re.findall(r"rise-rt-tune\.service:\d+:.*", done.stderr)

        if not self.systemd_can_verify():
            self.skipTest("this systemd-analyze cannot verify in a folder")
        self.assertEqual(verify(), [])
        self.put(UNIT, self.get(UNIT).replace("Type=oneshot", "Type=nonsense"))
        self.assertTrue(verify(), "the negative control")

    def systemd_can_verify(self):
        done = subprocess.run(["systemd-analyze", "--help"], capture_output=True, text=True)
        return "--root" in done.stdout

    def test_files_that_are_there_are_kept_and_come_back(self):
        self.put(SNIPPET, "# the plant's own\n")
        os.chmod(self.root / SNIPPET, 0o640)
        before = snapshot(self.root)
        output = self.tune("--apply", "--persist")
        self.assertIn(f"replace /{SNIPPET}", output)
        self.assertNotIn("the plant's own", self.get(SNIPPET))
        kept = list((self.root / "var/lib/rise-rt-tune").glob("backup-*"))
        self.assertEqual([path.read_text() for path in kept], ["# the plant's own\n"])
        self.tune("--undo")
        self.assertEqual(snapshot(self.root), before)

    def test_again_does_nothing_and_more_can_be_undone_together(self):
        self.tune("--apply")
        once = snapshot(self.root)
        self.assertIn("nothing to do", self.tune("--apply"))
        self.assertEqual(snapshot(self.root), once)
        self.put("proc/sys/vm/swappiness", "30\n")  # somebody has changed it since
        self.tune("--apply", "--persist", "--hugepages", 128)
        self.assertEqual(self.get(PAGES), "128\n")
        self.tune("--undo")
        self.assert_untouched()
        self.assertIn("nothing to undo", self.tune("--undo"))

    def test_the_undo_script_needs_nothing_but_a_shell(self):
        self.tune("--apply")
        script = self.root / "run/rise-rt-tune/undo-1.sh"
        lint = shutil.which("shellcheck")
        if lint:
            subprocess.run([lint, "-s", "sh", "-e", "SC2317,SC2015", script], check=True)
        subprocess.run(["sh", script], check=True, env={"PATH": os.environ["PATH"]})
        self.assert_untouched()

    def test_an_undo_script_of_another_folder_is_not_run(self):
        self.tune("--apply")
        copy = self.root.parent / "copy"
        shutil.copytree(self.root, copy, symlinks=True)
        before = snapshot(self.root)
        self.assertIn("was not written for", self.tune("--undo", root=copy, code=1))
        self.assertEqual(snapshot(self.root), before)

    def test_a_link_out_of_the_folder_is_not_followed(self):
        outside = self.root.parent / "outside"
        outside.write_text("60\n")
        (self.root / "proc/sys/vm/swappiness").unlink()
        (self.root / "proc/sys/vm/swappiness").symlink_to(outside)
        before = snapshot(self.root)
        self.assertIn("leads out of", self.tune("--apply", code=1))
        self.assertEqual(outside.read_text(), "60\n")
        self.assertEqual(snapshot(self.root), before, "all that could refuse did so before")

    def test_a_setting_that_is_refused_is_said_and_the_rest_is_done(self):
        program = self.root.parent / "rt-tune"  # where a user without rights can read it
        shutil.copy(TUNE, program)
        os.chmod(self.root / "proc/sys/vm/swappiness", 0o444)
        prefix = []
        if os.geteuid() == 0:  # who may write everything
            prefix = without_realtime()
            for path in [self.root.parent, *self.root.parent.rglob("*")]:
                os.chown(path, 65534, 65534)
        before = snapshot(self.root)

        def run(verb):
            command = [*prefix, program, verb, "--root", self.root]
            return subprocess.run(command, capture_output=True, text=True, timeout=60)

        done = run("--apply")
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn("refused /proc/sys/vm/swappiness", done.stdout)
        self.assertEqual(self.get(PAGES), "64\n")
        self.assertEqual(self.get("proc/sys/vm/swappiness"), "60\n")
        once = snapshot(self.root)
        self.assertIn("refused /proc/sys/vm/swappiness", run("--apply").stdout)
        self.assertEqual(snapshot(self.root), once, "no script that undoes nothing")
        done = run("--undo")
        self.assertEqual(done.returncode, 0, "what was not done need not be undone" + done.stderr)
        self.assertEqual(snapshot(self.root), before)

    def test_undo_that_fails_is_said_and_can_be_run_again(self):
        self.tune("--apply")
        target = self.root / "proc/sys/vm/swappiness"
        target.unlink()
        target.mkdir()  # nobody can write to a folder
        self.assertIn("swappiness was not put back", self.tune("--undo", code=1))
        self.assertEqual(self.get(PAGES), "0\n", "the rest was")
        target.rmdir()
        target.write_text("1\n")
        self.tune("--undo")
        self.assert_untouched()

    def test_what_the_kernel_makes_of_a_value_is_looked_at(self):
        """Of huge pages it may give fewer. A folder takes everything, so the class by itself."""
        loader = importlib.machinery.SourceFileLoader("rt_tune", str(TUNE))
        sys.dont_write_bytecode = True  # nothing beside the script
        module = types.ModuleType(loader.name)
        loader.exec_module(module)
        machine = module.Machine(str(self.root))
        setting = module.Setting(machine, f"/{PAGES}", "64", "")
        setting.apply(machine)
        self.assertTrue(setting.arrived(machine))
        self.put(PAGES, "17\n")
        self.assertFalse(setting.arrived(machine))

    def test_what_is_better_already_is_left(self):
        self.put(THP, "always madvise [never]\n")
        self.put(PAGES, "512\n")
        self.put("proc/irq/24/smp_affinity_list", "1\n")
        said = announced(self.tune("--apply"))
        for name in (THP, PAGES, "proc/irq/24/smp_affinity_list"):
            self.assertNotIn(name, said)

    def test_without_grub_the_words_are_said(self):
        (self.root / "etc/default/grub").unlink()
        output = self.tune("--apply", "--persist")
        self.assertIn("isolcpus=managed_irq,domain,3 nohz_full=3", output)
        self.assertFalse((self.root / SNIPPET).exists())

    def test_words_that_grub_has_already_are_said(self):
        self.put("etc/default/grub", 'GRUB_CMDLINE_LINUX_DEFAULT="quiet isolcpus=2"\n')
        self.assertIn("has isolcpus= as well", self.tune("--dry-run", "--persist"))

    def test_bad_use(self):
        self.tune(code=64)
        self.tune("--apply", "--undo", code=64)
        self.tune("--apply", root="/", code=64)
        self.tune("--apply", root=self.root / "nothing", code=64)
        self.assertIn("core 7 is not online", self.tune("--apply", "--cpu", 7, code=1))
        self.put(f"{CPU}/online", "0\n")
        self.assertIn("one core only", self.tune("--apply", code=1))
        (self.root / f"{CPU}/online").unlink()
        self.assertIn("cannot be read", self.tune("--apply", code=1))

    def test_without_a_folder_it_is_this_machine(self):
        """And not the folder that we are in. A dry run only."""
        self.put(f"{CPU}/online", "700-709\n")
        done = subprocess.run(
            [TUNE, "--dry-run"], capture_output=True, text=True, cwd=self.root, timeout=60
        )
        self.assertNotIn("core 709", done.stdout)
        self.assertIn("core 709", self.tune("--dry-run"))

    def test_wide_masks(self):
        self.put(f"{CPU}/online", "0-39\n")
        self.put("proc/irq/default_smp_affinity", "ff,ffffffff\n")
        self.tune("--apply", "--cpu", 39)
        self.assertEqual(self.get("proc/irq/default_smp_affinity"), "7f,ffffffff\n")


class OnARealKernel(unittest.TestCase):
    """The kernel's own files take less than a folder does, and show more. Emulated: see tests/rtvm."""

    RTVM = harness.ROOT / "scripts" / "rtvm"
    MENDED = ("irqaffinity", "irq_placement", "rt_throttling", "hugepages")

    @classmethod
    def setUpClass(cls):
        for program in ("qemu-system-x86_64", "busybox"):
            if not shutil.which(program):
                raise unittest.SkipTest(f"{program} is not installed (scripts/setup rtvm)")
        if subprocess.run([cls.RTVM, "kernel", "6.1"], capture_output=True).returncode != 0:
            raise unittest.SkipTest("no RT kernel 6.1 is here (scripts/setup rtvm)")
        with tempfile.TemporaryDirectory(prefix="rise-tune-") as folder:
            done = subprocess.run(
                cls.command(pathlib.Path(folder)), capture_output=True, text=True, timeout=180
            )
        parts = re.split(r"^@@ (.*)\n", done.stdout, flags=re.M)
        cls.parts = dict(zip(parts[1::2], parts[2::2]))
        if "python" in cls.parts and cls.parts["python"].strip() != "yes":
            raise unittest.SkipTest("this Python does not run without its folder")
        if done.returncode != 0:
            raise AssertionError(done.stdout + done.stderr)

    @classmethod
    def command(cls, folder):
        # An interpreter with its library in one file: the guest has no disk to put a folder on.
        library = pathlib.Path(sysconfig.get_path("stdlib"))
        archive = folder / f"python{sys.version_info[0]}{sys.version_info[1]}.zip"
        left_out = {"test", "idlelib", "tkinter", "lib2to3", "ensurepip", "dist-packages"}
        with zipfile.ZipFile(archive, "w") as file:
            for path in library.rglob("*.py"):
                name = path.relative_to(library)
                if name.parts[0] not in left_out:
                    file.write(path, name)
        script = harness.ROOT / "tests" / "rtvm" / "guest" / "tune.sh"
        # Interrupts may go to the lane's core, so that there is something to move.
        words = [cls.RTVM, "run", "--mode=smp", "--kernel=6.1", "--memory=1024", "--limit=150"]
        words += ["--append=irqaffinity=0,1", "--out", folder / "logs"]
        for pair in (
            f"{harness.BIN / 'rise'}=/rise/bin/",
            f"{TUNE}=/rise/bin/",
            f"{os.path.realpath('/usr/bin/python3')}=/usr/bin/python3",
            f"{archive}=/usr/lib/",
        ):
            words += ["--add", pair]
        return [*words, script]

    def verdicts(self, part):
        return {f["id"]: f["verdict"] for f in json.loads(self.parts[part])["findings"]}

    def test_dry_run_changes_nothing(self):
        self.assertEqual(self.parts["still"], self.parts["before"])

    def test_settings_arrive(self):
        self.assertIn("good", self.parts["apply"])
        state = dict(
            line.split(" ", 1) for line in self.parts["applied"].splitlines() if " " in line
        )
        self.assertEqual(state["/proc/sys/kernel/sched_rt_runtime_us"], "-1")
        self.assertEqual(state["/proc/irq/default_smp_affinity"], "1")
        self.assertEqual(state["/proc/irq/4/smp_affinity_list"], "0")
        # The kernel lets nobody move the timer: said, and no failure.
        self.assertIn("refused /proc/irq/0/smp_affinity_list", self.parts["apply"])
        before, after = self.verdicts("doctor before"), self.verdicts("doctor after")
        self.assertEqual({before[name] for name in self.MENDED}, {"warn"}, before)
        self.assertEqual({after[name] for name in self.MENDED}, {"pass"}, after)

    def test_undo_puts_everything_back(self):
        self.assertNotEqual(self.parts["applied"], self.parts["before"])
        self.assertIn("good", self.parts["undo"])
        self.assertEqual(self.parts["undone"], self.parts["before"])


if __name__ == "__main__":
    unittest.main()
