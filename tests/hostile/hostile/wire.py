"""What every behaviour needs of a connection: reset, close, hang, count."""
import asyncio
import socket
import struct
from collections import Counter


class Counts:
    """What arrived, for /_count: requests by path, connections by port name, and the most at once."""

    def __init__(self):
        self.requests = Counter()
        self.connections = Counter()
        self.open = Counter()
        self.most_open = Counter()
        self.log = []  # (method, target) of the last requests, for order

    def request(self, path, method="GET", target=None):
        self.requests[path] += 1
        if len(self.log) < 10_000:
            self.log.append([method, target or path])

    def opened(self, port):
        self.connections[port] += 1
        self.open[port] += 1
        self.most_open[port] = max(self.most_open[port], self.open[port])

    def closed(self, port):
        self.open[port] -= 1

    def as_json(self):
        return {"requests": dict(self.requests), "connections": dict(self.connections),
                "open": dict(self.open), "most_open": dict(self.most_open)}

    def clear(self):
        self.requests.clear()
        self.connections.clear()
        self.most_open.clear()
        self.log.clear()


def reset(writer):
    """Ends the connection with a TCP RST, whatever is unsent."""
    sock = writer.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def close(writer):
    """Ends the connection with a FIN, after what was written."""
    try:
        writer.close()
        await writer.wait_closed()
    except (OSError, asyncio.CancelledError):
        pass


async def send(writer, data):
    writer.write(data)
    await writer.drain()
    await asyncio.sleep(0)  # drain alone does not let others run while the client keeps up


async def hang():
    """Until the server ends: the other side is neither told nor listened to."""
    await asyncio.Event().wait()
