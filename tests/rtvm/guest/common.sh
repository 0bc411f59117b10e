# What the scripts of the guest share. Programs are in /rise as they are installed, the config of each
# run in a folder of its own under /runs: rise.toml, and controls.toml if there are simulated controls.
BIN=/rise/bin
cd /tmp

# until_true SECONDS COMMAND...: 0 as soon as the command says so
until_true() {
  limit=$(($1 * 20))
  shift
  while [ "$limit" -gt 0 ]; do
    "$@" >/dev/null 2>&1 && return 0
    sleep 0.05
    limit=$((limit - 1))
  done
  echo "not in time: $*"
  return 1
}

# begin RUN: simulated controls and sensors if the run has them, and a core named like the run
begin() {
  controls= sensors= core=
  if [ -e "/runs/$1/controls.toml" ]; then
    $BIN/cncsim --config "/runs/$1/controls.toml" >/tmp/controls.log 2>&1 &
    controls=$!
    until_true 20 grep -q ready /tmp/controls.log || { cat /tmp/controls.log; return 1; }
  fi
  $BIN/rise-core --config "/runs/$1/rise.toml" >/tmp/core.log 2>&1 &
  core=$!
  until_true 20 test -e "/dev/shm/rise.$1.in" || { cat /tmp/core.log; return 1; }
  if [ -e "/runs/$1/sensors.toml" ]; then
    $BIN/sensorsim --config "/runs/$1/sensors.toml" --quiet --duration 60 >/tmp/sensors.log 2>&1 &
    sensors=$!
  fi
  return 0
}

# end: of what begin has started; 1 if the core did not end by itself, with 0
end() {
  result=0
  kill -TERM $core
  wait $core || result=1
  for process in $controls $sensors; do
    kill -TERM $process
    wait $process
  done 2>/dev/null
  [ $result = 0 ] || { echo "the core ended badly:"; tail -20 /tmp/core.log; }
  return $result
}
