"""`ronda worker` as a process, against a server of workers made of Python's gRPC."""
import atexit
import concurrent.futures
import hashlib
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import unittest

import grpc

from ronda import BINARY, built_with, HANG, INTERRUPTED, OK, ROOT

UNAUTHENTICATED = 4


def messages():
    """worker.proto's messages, generated into a folder of this process's own."""
    folder = tempfile.mkdtemp(prefix="ronda-proto-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    subprocess.run(["protoc", f"-I{ROOT}/src", f"--python_out={folder}", "wire/worker/worker.proto"],
                   check=True)
    sys.path.insert(0, folder)
    from wire.worker import worker_pb2  # pylint: disable=import-outside-toplevel,import-error
    return worker_pb2


PB = messages()

QUICK = """
kind: Scenario
name: it
steps: [{id: one, action: assert, with: {that: "1 == 1"}}]
"""
LONG = """
kind: Scenario
name: it
steps: [{id: rest, action: wait, with: {for: 1h}}]
"""


class Fleet(grpc.GenericRpcHandler):
    """A server: welcomes workers, answers heartbeats, keeps what they say."""

    def __init__(self, port=0, token="right"):
        self.token = token
        self.said = queue.Queue()
        self.outbox = None
        self.server = grpc.server(concurrent.futures.ThreadPoolExecutor(8), handlers=[self])
        self.port = self.server.add_insecure_port(f"127.0.0.1:{port}")
        self.server.start()

    def service(self, handler_call_details):
        if handler_call_details.method != "/ronda.wire.worker.Fleet/Attach":
            return None
        return grpc.stream_stream_rpc_method_handler(
            self.attach, PB.FromWorker.FromString, PB.ToWorker.SerializeToString)

    def attach(self, requests, context):
        """One worker's stream."""
        if dict(context.invocation_metadata()).get("authorization") != f"Bearer {self.token}":
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "the token is not known")
        outbox = self.outbox = queue.Queue()
        context.send_initial_metadata(())
        threading.Thread(target=self.read, args=(requests, outbox), daemon=True).start()
        while (message := outbox.get()) is not None:
            yield message

    def read(self, requests, outbox):
        """Until the worker leaves."""
        try:
            for message in requests:
                if message.HasField("hello"):
                    outbox.put(PB.ToWorker(welcome=PB.Welcome(
                        epoch=1, lease_ns=15_000_000_000, heartbeat_ns=100_000_000)))
                if message.HasField("heartbeat"):
                    outbox.put(PB.ToWorker(lease=PB.LeaseGranted(number=message.heartbeat.number)))
                else:
                    self.said.put(message)
        except grpc.RpcError:
            pass
        outbox.put(None)

    def wait_for(self, kind):
        """The next message of that kind."""
        while True:
            message = self.said.get(timeout=HANG)
            if message.WhichOneof("message") == kind:
                return getattr(message, kind)

    def assign(self, run, text):
        """Gives the worker a single iteration."""
        digest = "sha256:" + hashlib.sha256(text.encode()).hexdigest()
        part = PB.PartId(run_id=run, attempt=1, epoch=1)
        self.outbox.put(PB.ToWorker(assign=PB.Assign(
            part=part, kind="Scenario", name="it",
            snapshot=PB.Snapshot(digest=digest, content=text))))
        return part

    def stop(self):
        """As if the machine were gone."""
        self.server.stop(0).wait()


@unittest.skipIf(built_with("tsan"), "gRPC is not instrumented")
class WorkerTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="ronda-worker-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.environment = {"PATH": os.environ["PATH"], "HOME": self.folder,
                            "XDG_RUNTIME_DIR": self.folder}

    def fleet(self, **options):
        """A server that ends with the test."""
        fleet = Fleet(**options)
        self.addCleanup(fleet.stop)
        return fleet

    def worker(self, port, *options, token="right"):
        """A worker that ends with the test."""
        process = subprocess.Popen(
            [BINARY, "worker", "--server", f"http://127.0.0.1:{port}", "--token", token, "--data",
             os.path.join(self.folder, "data"), *options],
            env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def test_a_wrong_token_ends_it_with_a_code_of_its_own(self):
        fleet = self.fleet()
        worker = self.worker(fleet.port, token="wrong")
        self.assertEqual(worker.wait(HANG), UNAUTHENTICATED)
        self.assertIn("the token is not known", worker.stderr.read().decode())

    def test_it_executes_tells_and_leaves_when_it_is_told_to(self):
        fleet = self.fleet()
        worker = self.worker(fleet.port, "--zone", "bj", "--label", "net=dmz", "--name", "w7")
        hello = fleet.wait_for("hello")
        self.assertEqual((hello.zone, hello.labels["net"], hello.name), ("bj", "dmz", "w7"))
        part = fleet.assign("a", QUICK)
        done = fleet.wait_for("done")
        self.assertEqual(done.outcome, PB.Done.PASSED, done.reason)
        fleet.outbox.put(PB.ToWorker(done_ack=PB.DoneAck(part=part)))
        worker.send_signal(signal.SIGTERM)
        self.assertEqual(worker.wait(HANG), OK)

    def test_after_a_kill_it_tells_what_it_was_doing_and_does_not_do_it_again(self):
        fleet = self.fleet()
        worker = self.worker(fleet.port)
        first = fleet.wait_for("hello")
        fleet.assign("a", QUICK)
        fleet.wait_for("done")
        fleet.assign("b", LONG)
        fleet.wait_for("started")
        worker.kill()
        worker.wait()
        self.worker(fleet.port)
        hello = fleet.wait_for("hello")
        self.assertEqual(hello.worker_id, first.worker_id)
        self.assertNotEqual(hello.boot_id, first.boot_id)
        self.assertEqual({one.part.run_id: one.state for one in hello.holding},
                         {"a": PB.Holding.FINISHED, "b": PB.Holding.INTERRUPTED})
        self.assertEqual(fleet.wait_for("done").part.run_id, "a")

    def test_it_goes_on_while_the_server_is_away(self):
        fleet = self.fleet()
        self.worker(fleet.port)
        fleet.wait_for("hello")
        fleet.assign("a", LONG)
        fleet.wait_for("started")
        fleet.stop()
        again = self.fleet(port=fleet.port)
        hello = again.wait_for("hello")
        self.assertEqual([one.state for one in hello.holding], [PB.Holding.RUNNING])

    def test_stop_all_local_works_with_the_server_dead(self):
        fleet = self.fleet()
        self.worker(fleet.port)
        fleet.wait_for("hello")
        fleet.assign("a", LONG)
        fleet.wait_for("started")
        fleet.stop()
        stopped = subprocess.run([BINARY, "stop", "--all", "--local"], env=self.environment,
                                 capture_output=True, text=True, timeout=HANG, check=False)
        self.assertEqual(stopped.returncode, OK, stopped.stderr)
        self.assertIn('"stopped":1', stopped.stdout)
        again = self.fleet(port=fleet.port)
        done = again.wait_for("done")
        self.assertEqual(done.outcome, PB.Done.INTERRUPTED)
        self.assertIn("by hand", done.reason)

    def test_a_second_worker_does_not_take_the_folder(self):
        fleet = self.fleet()
        self.worker(fleet.port)
        fleet.wait_for("hello")
        second = self.worker(fleet.port)
        self.assertNotIn(second.wait(HANG), (OK, INTERRUPTED))
        self.assertIn("--data DIR", second.stderr.read().decode())


if __name__ == "__main__":
    unittest.main()
