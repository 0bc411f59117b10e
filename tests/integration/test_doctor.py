#!/usr/bin/python3
"""`rise doctor` and `rise doctor --fix` on folders that stand for machines."""
import json
import re
import sys

from machine_folder import CPU, FRESH, OnAFolder, SHARED, UNIT


class Doctor(OnAFolder):
    def verdicts(self):
        report = json.loads(self.doctor("--json").stdout)
        return {f["id"]: f["verdict"] for f in report["findings"]}

    def test_a_folder_is_looked_at_and_not_changed(self):
        done = self.doctor("--json")
        report = json.loads(done.stdout)
        self.assertEqual(done.returncode, 0, done.stderr)
        verdicts = {f["id"]: f["verdict"] for f in report["findings"]}
        self.assertEqual(verdicts["preempt_rt"], "pass")
        self.assertEqual(verdicts["governor"], "warn")
        # What has to be tried is unknown on a folder, and a vital one of these makes it D.
        for name in ("sched_fifo", "memlock", "io_uring", "wake_up"):
            self.assertEqual(verdicts[name], "unknown", name)
        self.assertEqual(report["grade"], "D")
        self.assertEqual(report["lane_cpu"], 3)
        self.assert_untouched()

    def test_fix_asks_first(self):
        done = self.doctor("--fix")
        self.assertIn("set     /proc/sys/vm/swappiness  60 -> 1", done.stdout)
        self.assertIn("nothing was changed", done.stdout)
        self.assert_untouched()
        self.assertGreaterEqual(self.doctor("--yes").returncode, 64, "only with --fix")

    def test_fix_mends_looks_again_and_can_be_undone(self):
        wanted = {
            "governor",
            "thp",
            "rt_throttling",
            "nmi_watchdog",
            "irqaffinity",
            "irq_placement",
            "hugepages",
        }
        before = self.verdicts()
        self.assertEqual({before[name] for name in wanted}, {"warn"})
        done = self.doctor("--fix", "--yes", "--persist")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"warn +-> pass +frequency governor")
        self.assertIn("grade D -> ", done.stdout)
        after = self.verdicts()
        self.assertEqual({name for name in after if after[name] != before[name]}, wanted)
        self.assertEqual({after[name] for name in wanted}, {"pass"})
        self.assertTrue((self.root / UNIT).exists())
        self.tune("--undo")
        self.assert_untouched()

    def test_fix_as_json_is_one_object(self):
        done = self.doctor("--fix", "--yes", "--json")
        report = json.loads(done.stdout)
        self.assertEqual(report["fix"], {"complete": True, "grade_before": "D"})
        self.assertIn("set     /proc/sys/vm/swappiness", done.stderr)

    def test_the_core_can_be_chosen(self):
        done = self.doctor("--fix", "--yes", "--cpu", "1")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.get("proc/irq/default_smp_affinity"), "d\n")
        done = self.doctor("--cpu", "7")
        self.assertEqual(done.returncode, 1)
        self.assertIn("core 7 is not online; there are: 0,1,2,3", done.stderr)

    def test_what_cannot_be_mended_is_an_error(self):
        self.put(f"{CPU}/online", "0\n")  # which leaves nothing to keep off it
        done = self.doctor("--fix", "--yes")
        self.assertEqual(done.returncode, 1)
        self.assertIn("one core only", done.stderr)

    def test_both_choose_the_same_core(self):
        machines = (
            {},
            {f"{CPU}/isolated": "1\n"},
            {f"{CPU}/isolated": "1-2\n", f"{CPU}/nohz_full": "1\n"},
            {f"{CPU}/nohz_full": "(null)\n", "proc/cmdline": "quiet nohz_full=1\n"},
            {"proc/cmdline": "quiet nohz_full=1-2 rcu_nocbs=1\n"},
            {"proc/cmdline": "rcu_nocbs=2-N\n", f"{CPU}/online": "0-2\n"},
            {f"{CPU}/isolated": "0\n"},
            {f"{CPU}/isolated": "1\n", f"{CPU}/nohz_full": "2\n"},
            {f"{CPU}/isolated": "3\n", **SHARED},
            {f"{CPU}/isolated": "1-3\n", **SHARED},
            SHARED,
            {f"{CPU}/online": "0,2-3\n", **SHARED},
        )
        chosen = set()
        for files in machines:
            with self.subTest(files=files):
                for name, text in {**FRESH, **files}.items():
                    self.put(name, text)
                lane = json.loads(self.doctor("--json").stdout)["lane_cpu"]
                said = re.search(r"core (\d+) is the lane's", self.tune("--dry-run"))
                self.assertEqual(int(said[1]), lane)
                chosen.add(lane)
                (self.root / f"{CPU}/nohz_full").unlink(missing_ok=True)
        self.assertEqual(chosen, {1, 2, 3}, "the machines differ")


if __name__ == "__main__":
    unittest.main()
