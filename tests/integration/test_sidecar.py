#!/usr/bin/python3
"""rise-sidecar: its plugins, what they say of themselves, and what becomes of it when it dies."""
import json
import pathlib
import re
import signal
import subprocess
import unittest
import urllib.error
import urllib.request

from common import harness, lane_with

CONFIG = lane_with("mill 1")
PLUGIN = '[[plugin]]\nname = "{name}"\n[plugin.{name}]\n'
METRICS = PLUGIN.format(name="metrics") + 'listen = "127.0.0.1:0"\n'
NO_PLUGIN = "int nothing;\n"
WRONG_VERSION = """
struct info { unsigned abi; const char* name; };
static const struct info it = {4711, "old"};
const struct info* rise_plugin_entry(void) { return &it; }
"""


def build(source, to):
    subprocess.run(
        ["gcc", "-shared", "-fPIC", "-x", "c", "-o", to, "-"],
        input=source,
        text=True,
        check=True,
        timeout=60,
    )


def families(page):
    """name -> type, of what Prometheus's text format declares."""
    return dict(re.findall(r"^# TYPE (\S+) (\S+)$", page, re.M))


class Sidecar(unittest.TestCase):
    def setUp(self):
        self.plant = harness.Plant("sidecar")
        self.addCleanup(self.plant.close)

    def start(self, plugins=METRICS):
        drivers = harness.OUT / "tests" / "drivers"
        text = f'driver_path = "{drivers.resolve()}"\n{CONFIG}'
        self.plant.start_core(text)
        self.config = self.plant.write(
            "sidecar.toml", f'[core]\nname = "{self.plant.region}"\n{text}{plugins}'
        )
        return self.plant.start_sidecar("--config", self.config)

    def page_url(self):
        def found():
            return re.search(r"metrics at (http://\S+)", self.plant.sidecar.output())

        harness.wait_until(found, 10, "the page of metrics")
        return found().group(1)

    def page(self):
        with urllib.request.urlopen(self.page_url(), timeout=5) as answer:
            self.assertTrue(answer.headers["Content-Type"].startswith("text/plain; version=0.0.4"))
            return answer.read().decode()

    def value(self, metric, **labels):
        for line in self.page().splitlines():
            found = re.fullmatch(r"([a-z_]+)(?:\{(.*)\})? (\S+)", line)
            if found and found.group(1) == metric:
                has = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', found.group(2) or ""))
                if labels.items() <= has.items():
                    return float(found.group(3))
        return None

    def wait_running(self):
        harness.wait_until(
            lambda: self.value("rise_plugin_up", name="metrics") == 1, 10, "the plugin runs"
        )

    def test_metrics_of_core_bus_and_plugins(self):
        self.start()
        harness.wait_until(lambda: self.value("rise_feed_frames_total") > 10, 10, "frames")
        page = self.page()
        kinds = families(page)
        for name, kind in (
            ("rise_lane_cycles_total", "counter"),
            ("rise_lane_phase_seconds", "histogram"),
            ("rise_driver_step_seconds", "histogram"),
            ("rise_ring_backlog_frames", "gauge"),
            ("rise_bus_published_total", "counter"),
            ("rise_feed_frames_total", "counter"),
            ("rise_plugin_up", "gauge"),
        ):
            self.assertEqual(kinds.get(name), kind, name)
        # Every sample belongs to a family that was declared, and is a number.
        for line in page.splitlines():
            if line.startswith("#"):
                continue
            found = re.fullmatch(
                r'([a-zA-Z_:][a-zA-Z0-9_:]*)(\{(\w+="([^"\\]|\\.)*",?)+\})? (\S+)', line
            )
            self.assertTrue(found, line)
            float(found.group(5))
            family = re.sub(r"_(bucket|sum|count)$", "", found.group(1))
            self.assertTrue(found.group(1) in kinds or family in kinds, line)
        self.assertEqual(self.value("rise_core_up"), 1)
        self.assertEqual(self.value("rise_machine_link_up", machine="mill 1"), 1)
        view = self.plant.view()
        cycles = self.value("rise_lane_cycles_total", lane="main")
        self.assertGreaterEqual(cycles, view["lanes"][0]["counters"]["cycles"])
        buckets = self.value("rise_lane_phase_seconds_count", lane="main", phase="cycle")
        self.assertAlmostEqual(buckets, cycles, delta=2000)
        frames = self.value("rise_feed_frames_total")
        harness.wait_until(
            lambda: self.value("rise_feed_frames_total") > frames + 10, 10, "more frames"
        )

    def test_the_dashboard_shows_what_there_is(self):
        self.start()
        harness.wait_until(lambda: self.value("rise_feed_frames_total") > 10, 10, "frames")
        kinds = families(self.page())
        board = json.loads(pathlib.Path("config/grafana.json").read_text())
        asked = set()
        for panel in board["panels"]:
            for target in panel["targets"]:
                asked.update(re.findall(r"rise_[a-z_]+", target["expr"]))
        self.assertGreater(len(asked), 20)
        # Those of adapters, consumers, routes and the recorder are there where there is one.
        missing = {
            name
            for name in asked
            if re.sub(r"_bucket$", "", name) not in kinds
            and not re.match("rise_(adapter|store|bus_waiting|recorder|route)_", name)
        }
        self.assertEqual(missing, set())

    def test_the_page_refuses_what_it_does_not_know(self):
        self.start()
        url = self.page_url()
        for path, method, code in (("/", "GET", 404), ("/metrics", "POST", 405)):
            with self.assertRaises(urllib.error.HTTPError) as refused:
                request = urllib.request.Request(
                    url.replace("/metrics", path),
                    method=method,
                    data=b"x" if method == "POST" else None,
                )
                urllib.request.urlopen(request, timeout=5)
            self.assertEqual(refused.exception.code, code)
            refused.exception.close()
        self.assertEqual(self.value("rise_core_up"), 1)

    def test_it_records_what_the_core_publishes(self):
        folder = self.plant.folder / "recordings"
        folder.mkdir()
        recorder = PLUGIN.format(name="recorder") + f'folder = "{folder}"\nmin_free_mib = 0\n'
        self.start(METRICS + recorder)
        harness.wait_until(
            lambda: (self.value("rise_recorder_frames_total") or 0) > 50, 10, "frames recorded"
        )
        self.plant.sidecar.stop()
        files = list(folder.glob("*.mcap"))
        self.assertEqual(len(files), 1)
        info = json.loads(self.plant.rise("record", "info", files[0], "--json").stdout)
        self.assertTrue(any("telemetry/" in json.dumps(topic) for topic in info["topics"]))
        rows = self.plant.rise("export", files[0], "--csv").stdout.splitlines()
        self.assertGreater(len(rows), 50)

    def test_a_recorder_without_its_folder_says_so(self):
        recorder = PLUGIN.format(name="recorder") + 'folder = "/nonexistent/recordings"\n'
        sidecar = self.start(METRICS + recorder)
        harness.wait_until(
            lambda: re.search(r"recorder: error: stopped: .*/nonexistent", sidecar.output()),
            10,
            "the folder's name",
        )
        self.wait_running()

    def test_without_a_core_it_says_so(self):
        self.start()
        self.assertEqual(self.value("rise_core_up"), 1)
        self.plant.core.stop()
        harness.wait_until(lambda: self.value("rise_core_up") == 0, 10, "the core is gone")

    def test_a_plugin_with_a_fault_is_left_out_and_named(self):
        folder = self.plant.folder / "plugins"
        folder.mkdir()
        build(NO_PLUGIN, folder / "none.so")
        build(WRONG_VERSION, folder / "old.so")
        (folder / "text.so").write_text("this is no library")
        metrics = harness.OUT / "lib" / "rise" / "plugins" / "metrics.so"
        (folder / "metrics.so").symlink_to(metrics.resolve())
        bad = "".join(PLUGIN.format(name=name) for name in ("none", "old", "text", "missing"))
        bad += METRICS.replace("listen", "listne").replace(
            'name = "metrics"', 'name = "m"\nplugin = "metrics"'
        )
        path = f'[sidecar]\nplugin_path = "{folder}"\n'
        sidecar = self.start(path + bad + METRICS)
        self.wait_running()
        said = sidecar.output()
        for words in (
            "none.so is none: it does not export rise_plugin_entry",
            "old.so was built for another version of this sidecar (4711, not ",
            "plugin cannot be loaded:",
            "missing.so",
            'plugin.4.metrics.listne: unknown key; did you mean "listen"?',
        ):
            self.assertIn(words, said)
        done = subprocess.run(
            [harness.BIN / "rise-sidecar", "--check", "--config", self.config],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
        self.assertEqual(done.returncode, 2)
        checked = self.plant.rise("check", self.config)
        self.assertEqual(checked.returncode, 2)
        self.assertIn("rise_plugin_entry", checked.stderr)

    def test_a_page_that_cannot_listen_is_tried_again(self):
        taken = self.page_port_taken()
        sidecar = self.start(METRICS.replace("127.0.0.1:0", f"127.0.0.1:{taken.getsockname()[1]}"))
        harness.wait_until(
            lambda: re.search(r"metrics: error: stopped: .*made anew in 1000 ms", sidecar.output()),
            10,
            "the plugin says what it lacks",
        )
        taken.close()
        self.page_url()
        self.wait_running()
        self.assertGreaterEqual(self.value("rise_plugin_restarts_total", name="metrics"), 1)

    def page_port_taken(self):
        import socket

        taken = socket.socket()
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        self.addCleanup(taken.close)
        return taken

    def test_plugins_describe_themselves(self):
        done = self.plant.rise("plugin", "describe", "metrics")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("plugin.*.metrics.listen: a string, default", done.stdout)
        self.assertEqual(self.plant.rise("plugin", "describe", "nothing").returncode, 1)
        self.assertEqual(self.plant.rise("plugin", "describe", "a b").returncode, 64)

    def test_it_ends_as_told_and_goes_on_where_it_was(self):
        sidecar = self.start()
        self.page_url()
        self.plant.sidecar.process.send_signal(signal.SIGTERM)
        harness.wait_until(lambda: not sidecar.alive(), 10, "it ends")
        self.assertEqual(sidecar.process.returncode, 0)
        again = self.plant.start_sidecar("--config", self.config)
        harness.wait_until(
            lambda: "going on where the last one stopped" in again.output(), 10, "the next one"
        )


if __name__ == "__main__":
    unittest.main()
