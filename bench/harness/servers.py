"""Servers under load. Each starts on a free port and counts requests itself."""
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request

from . import machine

NGINX_CONF = """
daemon off;
worker_processes {workers};
error_log {folder}/error.log warn;
pid {folder}/nginx.pid;
events {{ worker_connections 16384; }}
http {{
  access_log off;
  keepalive_requests 1000000000;
  keepalive_timeout 3600s;
  http2_max_concurrent_streams 256;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  ssl_certificate {folder}/cert.pem;
  ssl_certificate_key {folder}/key.pem;
  ssl_session_cache shared:s:4m;
  server {{
    listen 127.0.0.1:{http} reuseport backlog=4096;
    listen 127.0.0.1:{h2c} http2 reuseport backlog=4096;
    listen 127.0.0.1:{https} ssl reuseport backlog=4096;
    default_type text/plain;
    location = / {{ return 200 "{text}"; }}
    location /api/order/ {{ default_type application/json; return 200 '{order}'; }}
    location /check/ {{ default_type application/json; return 200 '{order}'; }}
    location = /status {{ stub_status; }}
  }}
}}
"""
ORDER = json.dumps({"id": "ord-3141592", "state": "accepted", "amount": 1999,
                    "items": [{"sku": "sku-77", "qty": 2}], "note": "x" * 90},
                   separators=(",", ":"))


def free_ports(count):
    """Ports nobody listens on at the moment."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def wait_for_port(port, process, deadline=15.0):
    end = time.monotonic() + deadline
    while time.monotonic() < end:
        if process.poll() is not None:
            raise OSError(f"{process.args[0]} ended with {process.returncode} while starting")
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            return
        except OSError:
            time.sleep(0.02)
    raise TimeoutError(f"{process.args[0]} does not listen on {port}")


def make_certificate(folder):
    """A key and a self-signed certificate for 127.0.0.1 and localhost."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "30", "-subj", "/CN=localhost", "-addext",
         "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", f"{folder}/key.pem",
         "-out", f"{folder}/cert.pem"], check=True, capture_output=True)
    return f"{folder}/cert.pem"


class Nginx:
    """nginx with its own configuration in a temporary folder, one worker a server core."""

    def __init__(self, cores):
        self.program = shutil.which("nginx") or "/usr/sbin/nginx"
        self.cores = cores
        self.folder = None
        self.process = None

    def absent(self):
        """Why it cannot run here, or None."""
        return None if os.path.exists(self.program) else (
            "nginx is not installed: apt-get install nginx-light (scripts/peers)")

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="ronda-bench-nginx-")
        os.chmod(self.folder, 0o755)
        self.certificate = make_certificate(self.folder)
        for attempt in range(5):
            self.http, self.h2c, self.https = free_ports(3)
            with open(f"{self.folder}/nginx.conf", "w", encoding="ascii") as conf:
                conf.write(NGINX_CONF.format(
                    workers=max(1, len(self.cores)), folder=self.folder, http=self.http,
                    h2c=self.h2c, https=self.https, text="x" * 200, order=ORDER))
            with open(f"{self.folder}/start.log", "w", encoding="ascii") as log:
                self.process = machine.spawn(
                    [self.program, "-p", self.folder, "-c", f"{self.folder}/nginx.conf"],
                    self.cores, stdout=log, stderr=log)
            try:
                wait_for_port(self.http, self.process)
                return self
            except OSError:
                self.process.kill()
                self.process.wait()
                if attempt == 4:
                    raise
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _status(self):
        """(accepted connections, handled ones, requests), the question included."""
        self._asked = getattr(self, "_asked", 0) + 1
        with urllib.request.urlopen(f"http://127.0.0.1:{self.http}/status", timeout=10) as answer:
            numbers = re.search(r"\n\s*(\d+)\s+(\d+)\s+(\d+)", answer.read().decode())
        return tuple(int(number) for number in numbers.groups())

    def requests(self):
        """Requests served so far, not counting the questions asked here."""
        return self._status()[2] - self._asked

    def connections(self):
        """Connections accepted so far, not counting those of the questions asked here."""
        return self._status()[0] - self._asked - 1  # and the one that found it listening


class Lean:
    """bench/servers/lean_server.cc: cheaper a request than any client, so that no client waits."""

    def __init__(self, programs, cores, scheme="http"):
        self.program = os.path.join(programs, "lean_server")
        self.cores = cores
        self.scheme = scheme
        self.folder = None

    def absent(self):
        return None if os.path.exists(self.program) else f"{self.program} is not built: make build"

    def __enter__(self):
        argv = [self.program, "--port", "0"]
        if self.scheme == "https":
            self.folder = tempfile.mkdtemp(prefix="ronda-bench-lean-")
            self.certificate = make_certificate(self.folder)
            argv += ["--cert", self.certificate, "--key", f"{self.folder}/key.pem"]
        self.process = machine.spawn(argv, self.cores, stdout=subprocess.PIPE, text=True)
        setattr(self, self.scheme, int(self.process.stdout.readline().split()[1]))
        return self

    def requests(self):
        """Requests served so far."""
        self.process.send_signal(signal.SIGUSR1)
        return int(self.process.stdout.readline().split()[1])

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)


class RecordServer:
    """bench/servers/record_server.cc: arrival times, and a stall when asked for."""

    def __init__(self, programs, cores, stall_at=0.0, stall_for=0.0):
        self.program = os.path.join(programs, "record_server")
        self.argv = [self.program, "--port", "0", "--stall-at", str(stall_at), "--stall-for",
                     str(stall_for)]
        self.cores = cores

    def absent(self):
        return None if os.path.exists(self.program) else f"{self.program} is not built: make build"

    def __enter__(self):
        self.out = tempfile.NamedTemporaryFile(prefix="ronda-bench-arrivals-")
        self.process = machine.spawn(self.argv + ["--out", self.out.name], self.cores,
                                     stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline().split()[1])
        return self

    def finish(self):
        """Stops the server and returns (arrival times in ns, its summary)."""
        import array
        self.process.send_signal(signal.SIGTERM)
        text = self.process.stdout.read()
        self.process.wait(20)
        times = array.array("Q")
        with open(self.out.name, "rb") as recorded:
            times.frombytes(recorded.read())
        return times, json.loads(text)

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.out.close()


class Blackbox:
    """prometheus-blackbox-exporter with its http_2xx module, on one core, one Go processor."""

    def __init__(self, core):
        self.program = (shutil.which("prometheus-blackbox-exporter")
                        or shutil.which("blackbox_exporter"))
        self.core = core

    def __enter__(self):
        self.config = tempfile.NamedTemporaryFile("w", suffix=".yml", prefix="ronda-bench-")
        self.config.write("modules: {http_2xx: {prober: http, timeout: 5s, http: "
                          "{valid_status_codes: [200], fail_if_body_not_matches_regexp: ['id'], "
                          "preferred_ip_protocol: ip4}}}\n")
        self.config.flush()
        (self.port,) = free_ports(1)
        self.process = machine.spawn(
            [self.program, f"--config.file={self.config.name}",
             f"--web.listen-address=127.0.0.1:{self.port}", "--log.level=error"],
            [self.core], env={"GOMAXPROCS": "1"}, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        wait_for_port(self.port, self.process)
        return self

    def cpu_seconds(self):
        return machine.process_cpu_seconds(self.process.pid)

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.config.close()
