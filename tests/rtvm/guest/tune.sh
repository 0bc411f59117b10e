# smp: rt-tune on the kernel's own files, not on copies. Prints parts that begin with "@@ NAME";
# test_rt_tune.py judges them.
export PYTHONHOME=/usr PYTHONDONTWRITEBYTECODE=1
TUNE="/usr/bin/python3 /rise/bin/rt-tune"
state() {
  for file in /proc/sys/kernel/sched_rt_runtime_us /proc/sys/vm/swappiness /proc/sys/vm/stat_interval \
      /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages \
      /proc/irq/default_smp_affinity /proc/irq/*/smp_affinity_list; do
    echo "$file $(cat $file)"
  done
  find /etc /run /usr/local /var 2>/dev/null || true  # not all are there
}
echo "@@ python"
/usr/bin/python3 -c 'import argparse, pathlib, shutil, subprocess' && echo yes
echo "@@ doctor before"
/rise/bin/rise doctor --json
echo "@@ before"
state
echo "@@ dry run"
$TUNE --dry-run --persist
echo "@@ still"
state
echo "@@ apply"
$TUNE --apply --persist && echo good
echo "@@ applied"
state
echo "@@ doctor after"
/rise/bin/rise doctor --json
echo "@@ undo"
$TUNE --undo && echo good
echo "@@ undone"
state
