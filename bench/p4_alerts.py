#!/usr/bin/env python3
"""Alerts at speed, Watchkeeper and Alertmanager one after another on the same machine in the same run.

Not a load test of the network: everything is on loopback, and sender and receiver share the processors with the server.
Standard library only. `bench/p4.sh` builds, installs the peer and calls this; the table goes to standard output.
"""

import argparse
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import socketserver
import subprocess
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler

PER_POST = 64
GROUPS = 100


class Hook(socketserver.ThreadingTCPServer):
    """A webhook's receiver that remembers when it got what. `down`: answers 503; paths under /hang: never."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 1024

    def __init__(self):
        self.lock, self.events, self.down, self.refused = threading.Lock(), [], False, 0
        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def port(self):
        return self.server_address[1]

    def take(self):
        with self.lock:
            events, self.events = self.events, []
        return events


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path.startswith("/hang"):
            time.sleep(3600)
        with self.server.lock:
            status = 503 if self.server.down else 200
            if status == 200:
                self.server.events.append((time.time(), self.path, body))
            else:
                self.server.refused += 1
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def tree(hook, receivers, wait, interval):
    """Receivers and routes that both servers are given."""
    names = [f"r{n}" for n in range(receivers)]
    routes = [{"receiver": "urgent", "matchers": ['urgent="yes"'], "group_by": ["trial"], "group_wait": "0s", "group_interval": "5m"}]
    routes += [{"receiver": n, "matchers": [f'to="{n}"'], "group_by": ["alertname"], "group_wait": "0s"} for n in names]
    urls = {"hook": "/hook", "urgent": "/urgent", **{n: f"/hang/{n}" if n == "r0" else f"/{n}" for n in names}}
    route = {"receiver": "hook", "group_by": ["svc"], "group_wait": wait, "group_interval": interval, "repeat_interval": "4h", "routes": routes}
    return route, {name: f"http://127.0.0.1:{hook.port}{path}" for name, path in urls.items()}


class Server:
    def __init__(self, kind, binary, hook, receivers=0, wait="1s", interval="1s"):
        self.kind, self.binary = kind, binary
        self.folder, self.port = pathlib.Path(tempfile.mkdtemp(prefix="p4-")), free_port()
        route, urls = tree(hook, receivers, wait, interval)
        if kind == "watchkeeper":
            # Alertmanager has no incidents.
            config = {"server": {"listen": f"127.0.0.1:{self.port}"}, "route": route, "incidents": {"open_from": "critical"},
                      "receivers": [{"name": n, "webhook": [{"url": u, "timeout": "10s"}]} for n, u in urls.items()]}
            self.command = [binary, "serve", "--no-otlp-ports", "--config", "c.yaml", "--data", "data"]
        else:
            config = {"route": route, "receivers": [{"name": n, "webhook_configs": [{"url": u}]} for n, u in urls.items()]}
            self.command = [binary, "--config.file=c.yaml", "--storage.path=data", f"--web.listen-address=127.0.0.1:{self.port}",
                            "--cluster.listen-address=", "--log.level=error"]
        # JSON is YAML.
        (self.folder / "c.yaml").write_text(json.dumps(config))
        self.start()

    def start(self):
        log = open(self.folder / "log", "a")
        self.process = subprocess.Popen(self.command, cwd=self.folder, stdout=log, stderr=log)
        deadline = time.time() + 60
        while time.time() < deadline:
            try:
                if self.get("/-/ready")[0] == 200:
                    return
            except OSError:
                pass
            time.sleep(0.02)
        raise SystemExit(f"{self.kind} does not start: {(self.folder / 'log').read_text()[-2000:]}")

    def get(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def end(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def cpu(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def rss(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) * 1024


def alert(n, more=None):
    """As Prometheus sends them: six labels, two annotations."""
    labels = {"alertname": f"Alert{n % 50}", "svc": f"s{n % GROUPS}", "instance": f"10.0.{n // 250 % 250}.{n % 250}:9100",
              "severity": "warning", "team": f"t{n % 10}", "n": str(n), **(more or {})}
    return {"labels": labels, "annotations": {"summary": f"alert {n} is firing", "runbook": "https://runbooks.example/a"}}


def post(connection, body):
    connection.request("POST", "/api/v2/alerts", body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    answer.read()
    if answer.status != 200:
        raise SystemExit(f"refused: {answer.status}")


def flood(server, count, connections=2):
    """Posts distinct alerts over some connections; gives seconds and the time of each post."""
    bodies = [json.dumps([alert(n) for n in range(at, min(at + PER_POST, count))]).encode() for at in range(0, count, PER_POST)]
    took, threads = [], []

    def send(mine):
        connection = http.client.HTTPConnection("127.0.0.1", server.port)
        for body in mine:
            began = time.perf_counter()
            post(connection, body)
            took.append(time.perf_counter() - began)

    began = time.perf_counter()
    for at in range(connections):
        threads.append(threading.Thread(target=send, args=(bodies[at::connections],)))
        threads[-1].start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - began, took, sum(map(len, bodies))


def at(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * share))] if values else float("nan")


def storm(kind, binary, count):
    hook = Hook()
    server = Server(kind, binary, hook)
    sent, stop = {}, threading.Event()

    def urgent():
        connection = http.client.HTTPConnection("127.0.0.1", server.port)
        trial = 0
        while not stop.is_set():
            sent[str(trial)] = time.time()
            post(connection, json.dumps([alert(trial, {"urgent": "yes", "trial": str(trial)})]))
            trial += 1
            stop.wait(0.1)

    idle, cpu = server.rss(), server.cpu()
    prober = threading.Thread(target=urgent)
    prober.start()
    began = time.time()
    seconds, took, posted = flood(server, count)
    ended = time.time()
    seen, entries, size, messages, heard, last = set(), 0, 0, 0, {}, began
    quiet = time.time()
    while len(seen) < count and time.time() - quiet < 60:
        time.sleep(0.5)
        for when, path, body in hook.take():
            told = json.loads(body)["alerts"]
            if path == "/urgent":
                heard.setdefault(told[0]["labels"]["trial"], when)
                continue
            messages, size, entries, quiet = messages + 1, size + len(body), entries + len(told), time.time()
            before = len(seen)
            seen.update(one["labels"]["n"] for one in told)
            last = when if len(seen) > before else last
    stop.set()
    prober.join()
    time.sleep(1)
    for when, path, body in hook.take():
        if path == "/urgent":
            heard.setdefault(json.loads(body)["alerts"][0]["labels"]["trial"], when)
    late = [heard[t] - sent[t] for t in heard if sent[t] <= last]
    each = sum(len(json.dumps(one)) for one in [alert(n) for n in range(1000)]) / 1000
    result = {
        "alerts accepted per second": f"{count / seconds:,.0f}",
        "post of 64, p50 / p99": f"{at(took, .5) * 1e3:.1f} / {at(took, .99) * 1e3:.0f} ms",
        "told of the storm": f"{len(seen):,} of {count:,}",
        "alert entries per alert told": f"{entries / max(len(seen), 1):.2f}",
        "webhook bytes / posted bytes": f"{size / posted:.2f} ({size / 1e6:.0f} / {posted / 1e6:.0f} MB)",
        "webhook bytes per entry": f"{size / max(entries, 1):.0f} (posted: {each:.0f})",
        "all told after the last post": f"{last - ended:.1f} s",
        "urgent alert until the storm is told, p50 / p99 / max": f"{at(late, .5) * 1e3:.0f} / {at(late, .99) * 1e3:.0f} / {at(late, 1) * 1e3:.0f} ms of {len(late)}, {len(sent) - len(heard)} missing",
        "CPU": f"{server.cpu() - cpu:.1f} s",
        "memory per active alert": f"{(server.rss() - idle) / count:.0f} B",
    }
    server.end()
    return result


def outage(kind, binary):
    hook = Hook()
    server = Server(kind, binary, hook, wait="0s", interval="5m")
    hook.down = True
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    for n in range(GROUPS):
        post(connection, json.dumps([alert(n)]))
    time.sleep(20)
    refused, hook.down, back = hook.refused, False, time.time()
    told = {}
    while len(told) < GROUPS and time.time() - back < 60:
        time.sleep(0.1)
        for when, _, body in hook.take():
            for one in json.loads(body)["alerts"]:
                told.setdefault(one["labels"]["n"], when - back)
    server.end()
    return {f"{GROUPS} owed after 20 s of outage, told after": f"p50 {at(told.values(), .5):.2f} s, last {at(told.values(), 1):.2f} s ({len(told)} told)",
            "attempts during the outage": str(refused)}


def thousand(kind, binary):
    hook = Hook()
    server = Server(kind, binary, hook, receivers=1000)
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    sent, lates = {}, []
    # The first one hangs, and has more waiting than it takes at a time.
    post(connection, json.dumps([alert(n, {"to": "r0", "alertname": f"H{n}"}) for n in range(20)]))
    for n in range(1, 1000):
        sent[f"/r{n}"] = time.time()
        post(connection, json.dumps([alert(n, {"to": f"r{n}"})]))
    deadline = time.time() + 60
    while len(lates) < 999 and time.time() < deadline:
        time.sleep(0.1)
        lates += [when - sent[path] for when, path, _ in hook.take() if path in sent]
    server.end()
    return {"999 receivers beside one that hangs, p50 / p99": f"{at(lates, .5) * 1e3:.0f} / {at(lates, .99) * 1e3:.0f} ms ({len(lates)} told)"}


def killed(kind, binary):
    hook = Hook()
    server = Server(kind, binary, hook, wait="5s", interval="5m")
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    post(connection, json.dumps([alert(n) for n in range(100)]))
    server.kill()
    server.start()
    left = len(json.loads(server.get("/api/v2/alerts")[1]))
    time.sleep(8)
    told = {one["labels"]["n"] for _, _, body in hook.take() for one in json.loads(body)["alerts"]}
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    post(connection, json.dumps([alert(n) for n in range(100)]))
    time.sleep(1)
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    silence = {"matchers": [{"name": "svc", "value": "s5", "isRegex": False, "isEqual": True}], "startsAt": now,
               "endsAt": "2099-01-01T00:00:00Z", "createdBy": "x", "comment": "y"}
    connection.request("POST", "/api/v2/silences", json.dumps(silence), {"Content-Type": "application/json"})
    connection.getresponse().read()
    time.sleep(7)
    hook.take()
    server.kill()
    server.start()
    silences = len(json.loads(server.get("/api/v2/silences")[1]))
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    post(connection, json.dumps([alert(n) for n in range(100)]))
    time.sleep(8)
    again = sum(len(json.loads(body)["alerts"]) for _, _, body in hook.take())
    server.end()
    return {"SIGKILL: accepted alerts listed at once / told": f"{left} / {len(told)} of 100", "SIGKILL: silences kept": f"{silences} of 1",
            "SIGKILL: told again of 100 when posted again": str(again)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--watchkeeper", required=True)
    parser.add_argument("--alertmanager")
    parser.add_argument("--alerts", type=int, default=100_000)
    parser.add_argument("--only", default="storm,outage,thousand,killed")
    arguments = parser.parse_args()
    servers = [("watchkeeper", os.path.abspath(arguments.watchkeeper))]
    if arguments.alertmanager:
        servers.append(("alertmanager", arguments.alertmanager))
    scenes = {"storm": lambda k, b: storm(k, b, arguments.alerts), "outage": outage, "thousand": thousand, "killed": killed}
    rows = {}
    for scene in arguments.only.split(","):
        for kind, binary in servers:
            for name, value in scenes[scene](kind, binary).items():
                rows.setdefault(name, {})[kind] = value
    print("| | " + " | ".join(kind for kind, _ in servers) + " |")
    print("|---" * (len(servers) + 1) + "|")
    for name, values in rows.items():
        print(f"| {name} | " + " | ".join(values.get(kind, "") for kind, _ in servers) + " |")


if __name__ == "__main__":
    main()
