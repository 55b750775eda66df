"""A stock ipykernel driven over plain ZeroMQ, in a sandbox: what the benchmarks compare the service with."""

import glob
import hashlib
import hmac
import json
import os
import subprocess
import sys
import tempfile
import time
import uuid
from typing import Any, NamedTuple

import zmq

_DELIMITER = b"<IDS|MSG>"
_READY_MS = 1000


class Execution(NamedTuple):
    """What one execution took, and what it printed."""

    seconds: float
    text: str
    first_text_ns: int | None
    """Nanoseconds since the epoch when the first text was there."""


class RawKernel:
    """A client of one kernel: shell and iopub, nothing between."""

    def __init__(self, shell: str, iopub: str, key: bytes = b"") -> None:
        self._key = key
        self._session = uuid.uuid4().hex
        context: zmq.Context[Any] = zmq.Context.instance()
        self._iopub = context.socket(zmq.SUB)
        self._iopub.set(zmq.RCVHWM, 0)
        self._iopub.subscribe(b"")
        self._iopub.connect(iopub)
        self._shell = context.socket(zmq.DEALER)
        self._shell.connect(shell)
        self._ready = zmq.Poller()
        for socket in (self._shell, self._iopub):
            self._ready.register(socket, zmq.POLLIN)
        self._wait_until_heard()

    @classmethod
    def stock(cls) -> "RawKernel":
        """Start `python3 -m ipykernel` as Jupyter would."""
        directory = tempfile.mkdtemp()
        key = uuid.uuid4().hex
        names = ("shell", "iopub", "stdin", "control", "hb")
        connection: dict[str, Any] = {f"{name}_port": port for port, name in enumerate(names, 1)}
        connection |= {"transport": "ipc", "ip": f"{directory}/kernel"}
        connection |= {"key": key, "signature_scheme": "hmac-sha256"}
        path = os.path.join(directory, "connection.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(connection, file)
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.Popen([sys.executable, "-m", "ipykernel", "-f", path], **quiet)
        return cls(f"ipc://{directory}/kernel-1", f"ipc://{directory}/kernel-2", key.encode())

    @classmethod
    def own(cls) -> "RawKernel":
        """The sandbox's own kernel, past kerneld."""
        directory = max(glob.glob("/run/kernels/*/"), key=os.path.getmtime)
        return cls(f"ipc://{directory}shell", f"ipc://{directory}iopub")

    def execute(self, code: str) -> Execution:
        """Run code until both its reply and its `idle` are there."""
        content = {
            "code": code,
            "silent": False,
            "store_history": True,
            "user_expressions": {},
            "allow_stdin": False,
            "stop_on_error": False,
        }
        start = time.perf_counter()
        request = self._send("execute_request", content)
        replied = idle = False
        first_text_ns: int | None = None
        texts: list[str] = []
        while not (replied and idle):
            for socket, _ in self._ready.poll():
                msg_type, parent_id, body = _read(socket.recv_multipart())
                if parent_id != request:
                    continue
                if socket is self._shell:
                    replied = True
                elif msg_type == "stream":
                    first_text_ns = first_text_ns or time.time_ns()
                    texts.append(json.loads(body)["text"])
                elif msg_type == "status":
                    idle = json.loads(body)["execution_state"] == "idle"
        return Execution(time.perf_counter() - start, "".join(texts), first_text_ns)

    def milliseconds(self, code: str, count: int) -> list[float]:
        """How long each of `count` executions takes."""
        return [self.execute(code).seconds * 1000 for _ in range(count)]

    def flush_delays_ms(self, count: int) -> list[float]:
        """How long after it was flushed each of `count` first texts is there."""
        delays: list[float] = []
        for _ in range(count):
            execution = self.execute("import time; print(time.time_ns(), flush=True)")
            assert execution.first_text_ns is not None
            delays.append((execution.first_text_ns - int(execution.text)) / 1e6)
        return delays

    def _wait_until_heard(self) -> None:
        """A subscription takes effect at some time after it was made: ask until an answer is heard."""
        while True:
            self._send("kernel_info_request", {})
            while ready := self._ready.poll(_READY_MS):
                for socket, _ in ready:
                    socket.recv_multipart()
                    if socket is self._iopub:
                        return

    def _send(self, msg_type: str, content: dict[str, Any]) -> str:
        msg_id = uuid.uuid4().hex
        header = {
            "msg_id": msg_id,
            "msg_type": msg_type,
            "username": "bench",
            "session": self._session,
            "date": "2000-01-01T00:00:00Z",
            "version": "5.3",
        }
        parts = [json.dumps(part).encode() for part in (header, {}, {}, content)]
        signature = hmac.new(self._key, digestmod=hashlib.sha256)
        for part in parts:
            signature.update(part)
        signed = signature.hexdigest().encode() if self._key else b""
        self._shell.send_multipart([_DELIMITER, signed, *parts])
        return msg_id


def _read(frames: list[bytes]) -> tuple[str, str | None, bytes]:
    """Type, parent's id and content of a message."""
    start = frames.index(_DELIMITER) + 2
    header, parent, _, content = frames[start : start + 4]
    return json.loads(header)["msg_type"], json.loads(parent).get("msg_id"), content


def _measure_own_kernel(result: str, count: int) -> None:
    """Write how long `1+1` takes in the sandbox's own kernel; in a process beside it, once it is idle."""
    kernel = RawKernel.own()
    kernel.milliseconds("1+1", 20)
    with open(f"{result}.part", "w", encoding="utf-8") as file:
        json.dump(kernel.milliseconds("1+1", count), file)
    os.rename(f"{result}.part", result)


if __name__ == "__main__":
    _measure_own_kernel(sys.argv[1], int(sys.argv[2]))
