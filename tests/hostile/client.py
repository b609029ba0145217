"""Starts and stops the hostile server for tests."""
import json
import os
import subprocess
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))


class HostileServer:
    """A context manager; `ports`, `ca`, `client_cert`, `client_key` as the server announced them."""

    def __enter__(self):
        self.process = subprocess.Popen([os.path.join(HERE, "hostile_server")], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        line = self.process.stdout.readline()
        if not line:
            raise OSError("the hostile server did not start")
        announced = json.loads(line)
        self.ports = announced["ports"]
        self.folder = announced["folder"]
        self.ca = announced["ca"]
        self.client_cert = announced["client_cert"]
        self.client_key = announced["client_key"]
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()

    def url(self, path="/", port="http", scheme=None, host="127.0.0.1"):
        scheme = scheme or ("https" if port.startswith(("https", "h2s")) else "http")
        return f"{scheme}://{host}:{self.ports[port]}{path}"

    def ask(self, path):
        """The JSON of a control path, or None."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(self.url(path), timeout=20) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def requests(self, path):
        """How often that path was asked for since the last clear()."""
        return self.ask("/_count")["requests"].get(path, 0)

    def clear(self):
        self.ask("/_clear")
