"""One child process of the supervisor: started, awaited until ready, restarted, stopped."""

import asyncio
import os
import signal
import time

from ops.layout import ShopError, identity, say

START_DEADLINE_S = 30.0
STOP_DEADLINE_S = 5.0
EXIT_ADDRESS_IN_USE = 98
FIRST_PAUSE_S, LONGEST_PAUSE_S, CALM_S = 0.2, 10.0, 30.0


class PortTaken(Exception):
    """Somebody else got the port between our look and the child's bind."""


def tail(path, lines=15):
    try:
        text = path.read_text(errors="replace")
    except OSError:
        return "    (no log)"
    return "\n".join("    " + line for line in text.splitlines()[-lines:]) or "    (the log is empty)"


def guarded(signal_name, argv):
    """The command, told to end when the supervisor does, however that happens."""
    prefix = ["setpriv", "--pdeathsig", signal_name]
    if argv[0] == "setpriv":  # merges with the change of user
        return prefix + argv[1:]
    return prefix + argv


async def run(argv, env=None, cwd=None, feed=b"", deadline_s=60.0):
    """Runs a tool to its end; its output is the error when it fails. Ends it when cancelled."""
    process = await asyncio.create_subprocess_exec(
        *guarded("KILL", argv), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT, env=env, cwd=cwd, start_new_session=True)
    try:
        output, _ = await asyncio.wait_for(process.communicate(feed), deadline_s)
    except asyncio.TimeoutError:
        raise ShopError(f"{argv[0]} took longer than {deadline_s:.0f} s") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        words = " ".join(argv[:8])
        raise ShopError(f"{words} ... failed ({process.returncode}):\n"
                        + output.decode(errors="replace").strip())


class Child:
    """A server process. `probe`: a coroutine function that returns when it is ready; without one it
    writes a line to the pipe whose number is in SHOP_READY_FD. `changed` is called when the process
    is another one than before."""

    def __init__(self, name, argv, port, layout, *, env, cwd=None, probe=None, before=None,
                 stop_signals=(signal.SIGTERM,), changed=lambda: None):
        self.name, self.argv, self.port = name, argv, port
        self.log = layout.logs / f"{name}.log"
        self.restarts = 0
        self.process = None
        self.identity = None
        self._env, self._cwd, self._probe, self._before = env, cwd, probe, before
        self._stop_signals, self._changed = stop_signals, changed
        self._stopping = False
        self._watch = None

    async def start(self):
        """Starts it and returns when it is ready; from then on it is kept running."""
        if self.log.exists():
            self.log.replace(self.log.with_suffix(".log.1"))
        await self._launch()
        self._watch = asyncio.create_task(self._keep())

    async def stop(self):
        self._stopping = True
        if self._watch:
            self._watch.cancel()
        process = self.process
        if not process:
            return
        for number in (*self._stop_signals, signal.SIGKILL):
            if process.returncode is not None:
                return
            try:
                process.send_signal(number)
                await asyncio.wait_for(process.wait(), STOP_DEADLINE_S)
            except (ProcessLookupError, asyncio.TimeoutError):
                continue

    async def _launch(self):
        if self._before:
            self._before()
        begin = time.monotonic()
        reader, writer = os.pipe()
        try:
            with open(self.log, "ab", opener=lambda path, flags: os.open(path, flags, 0o600)) as log:
                env = {**self._env, "SHOP_PORT": str(self.port), "SHOP_READY_FD": str(writer),
                       "SHOP_READY_PATH": f"/proc/self/fd/{writer}"}
                self.process = await asyncio.create_subprocess_exec(
                    *guarded(self._stop_signals[0].name[3:], self.argv),
                    stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, env=env, cwd=self._cwd,
                    start_new_session=True, pass_fds=() if self._probe else (writer,))
        except BaseException:
            os.close(reader)
            raise
        finally:
            os.close(writer)
        self.identity = identity(self.process.pid)
        self._changed()
        await self._ready(reader)
        say(f"{self.name} is ready on port {self.port} ({time.monotonic() - begin:.1f} s)")

    async def _ready(self, reader):
        waiting = asyncio.create_task(self._probe() if self._probe else line_from(reader))
        gone = asyncio.create_task(self.process.wait())
        try:
            await asyncio.wait({waiting, gone}, timeout=START_DEADLINE_S,
                               return_when=asyncio.FIRST_COMPLETED)
            if waiting.done() and waiting.result():
                return
            if not gone.done() and not waiting.done():
                raise ShopError(f"{self.name} was not ready within {START_DEADLINE_S:.0f} s; "
                                f"the end of {self.log}:\n{tail(self.log)}")
            await gone
            text = tail(self.log)
            if gone.result() == EXIT_ADDRESS_IN_USE or "ddress already in use" in text:
                raise PortTaken(self.name)
            raise ShopError(f"{self.name} ended while starting (exit code {gone.result()}); "
                            f"the end of {self.log}:\n{text}")
        finally:
            waiting.cancel()
            gone.cancel()
            os.close(reader)

    async def _keep(self):
        """Restarts the process whenever it ends, with a longer pause each time in a row."""
        pause = FIRST_PAUSE_S
        while not self._stopping:
            begin = time.monotonic()
            code = await self.process.wait()
            if time.monotonic() - begin > CALM_S:
                pause = FIRST_PAUSE_S
            say(f"{self.name} ended ({code}); it starts again")
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_S)
            try:
                self.restarts += 1
                await self._launch()
            except (ShopError, PortTaken, OSError) as error:
                say(f"{self.name}: {error}")
                if self.process.returncode is None:
                    self.process.kill()


async def line_from(reader):
    """True when a line came from the pipe; False when its other end closed before."""
    loop = asyncio.get_running_loop()
    readable = loop.create_future()
    loop.add_reader(reader, lambda: readable.done() or readable.set_result(None))
    try:
        await readable
        return os.read(reader, 64).endswith(b"\n")
    finally:
        loop.remove_reader(reader)
