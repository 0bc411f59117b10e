"""A fake device: a thermometer with a set-point. python3 device.py [PORT]"""
import math
import socketserver
import sys
import time

state = {"setpoint": 20.0}


class Device(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            words = line.decode("ascii", "replace").split()
            if words == ["READ"]:
                value = state["setpoint"] + 3 * math.sin(time.monotonic())
                self.wfile.write(b"temperature %.2f\n" % value)
            elif words[:1] == ["SET"] and len(words) == 2:
                state["setpoint"] = float(words[1])
            if words and words[0] in ("GET", "SET"):
                self.wfile.write(b"setpoint %r\n" % state["setpoint"])


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


try:
    Server(("127.0.0.1", int(sys.argv[1]) if sys.argv[1:] else 5025), Device).serve_forever()
except KeyboardInterrupt:
    pass
