"""Plays kerneld's part for the tests: splits PID 1 with `kerneld.privileges`, then does over the control protocol and
over ZeroMQ what lines of JSON on standard input ask for, one line `{"id", "method", "params"}` after the other.
"""

import argparse
import json
import os
import select
import signal
import socket
import struct
import sys
import time
import traceback
from pathlib import Path
from typing import Any

sys.path[:0] = ["/opt/hotcell/kerneld", str(Path(__file__).parent)]

from kerneld import privileges  # noqa: E402


class Driver:
    """One sandbox's user side, and the kernels in it."""

    def __init__(self, user_uid: int, kerneld_uid: int):
        self._started = time.monotonic()
        # As an engine might leave one open.
        os.dup2(os.open("/etc/hostname", os.O_RDONLY), 60)
        side = privileges.split(user_uid, kerneld_uid)
        # Imported only now: its library starts threads of its own.
        from kernel_client import KernelClient

        self._client_class = KernelClient
        self._control, self._console, self._zygote = side
        self._control.setblocking(True)
        self._zygote_pidfd = os.pidfd_open(self._zygote)
        self._next_id = 0
        self._events: list[dict[str, Any]] = []
        self._pidfds: dict[int, int] = {}
        self._clients: dict[str, Any] = {}
        self._pids: dict[str, int] = {}
        self._directories: dict[str, str] = {}
        self._log = b""

    # The control channel

    def ready(self) -> dict[str, Any]:
        """The zygote's announcement, and how long it took."""
        event = self._event("ready", 30)
        return {**event, "ms": (time.monotonic() - self._started) * 1000, "pid": self._zygote}

    def control(self, message: dict[str, Any], descriptor: str | None = None) -> dict[str, Any]:
        """Send a control message with an id, and the answer to it."""
        return self._ask(message, None if descriptor is None else os.open(descriptor, os.O_RDWR))[0]

    def send_raw(self, text: str) -> None:
        """Send any text as a control message."""
        self._control.send(text.encode())

    def exited(self, pid: int, timeout_s: float = 10) -> dict[str, Any]:
        """The event that tells of the end of `pid`."""
        return self._event("exited", timeout_s, pid)

    def reap(self, pid: int) -> None:
        """Let the zygote collect it."""
        self._control.send(json.dumps({"op": "reap", "pid": pid}).encode())
        os.close(self._pidfds.pop(pid))

    def zygote_ended(self, timeout_s: float = 10) -> int:
        """The exit status of the zygote."""
        if not select.select([self._zygote_pidfd], [], [], timeout_s)[0]:
            raise TimeoutError("the zygote lives")
        return os.waitstatus_to_exitcode(os.waitpid(self._zygote, 0)[1])

    def console(self) -> str:
        """What the user side wrote to its console so far."""
        self._read_console()
        return self._log.decode("utf-8", "replace")

    def status(self, pid: int) -> dict[str, str]:
        """The lines of a process' status in /proc."""
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}

    def proc(self, pid: int, name: str) -> str:
        """A file of a process in /proc, or the name of the error."""
        try:
            return Path(f"/proc/{pid}/{name}").read_text()
        except OSError as error:
            return type(error).__name__

    # Kernels

    def start(
        self,
        name: str,
        env: dict[str, str] | None = None,
        cwd: str | None = None,
        language: str = "python",
        connect: bool = True,
        receive_high_water_mark: int = 0,
    ) -> dict[str, Any]:
        """Start a kernel and await its readiness; `ready` is false for one that ended before."""
        reader, writer = os.pipe()
        directory = f"/run/kernels/{name}"
        began = time.monotonic()
        answer, pidfd = self._ask(
            {
                "op": "kernel",
                "kernel_id": "00000000-0000-4000-8000-000000000000",
                "language": language,
                "directory": directory,
                "env": env or {},
                "cwd": cwd,
                "first": not self._pids,
            },
            writer,
        )
        if not answer["ok"]:
            os.close(reader)
            return answer
        assert pidfd is not None
        self._pidfds[answer["pid"]] = pidfd
        self._pids[name] = answer["pid"]
        self._directories[name] = directory
        is_ready = os.read(reader, 1) == b"b"
        milliseconds = (time.monotonic() - began) * 1000
        os.close(reader)
        if is_ready and connect:
            self.connect(name, receive_high_water_mark)
        return {**answer, "ready": is_ready, "ms": milliseconds}

    def connect(self, name: str, receive_high_water_mark: int = 0) -> dict[str, Any]:
        """Connect a client and await its welcome."""
        client = self._client_class(self._directories[name], receive_high_water_mark)
        if name in self._clients:
            self._clients[name].close()
        self._clients[name] = client
        while (message := client.receive(10, ("iopub",)))["msg_type"] != "iopub_welcome":
            pass
        return message

    def signal(self, name: str, number: int = signal.SIGINT) -> None:
        """Signal a kernel by its pidfd."""
        signal.pidfd_send_signal(self._pidfds[self._pids[name]], number)

    def request(self, name: str, channel: str, msg_type: str, content: dict[str, Any]) -> dict[str, Any]:
        """Send a request and await its reply."""
        return self._clients[name].request(channel, msg_type, content)

    def send(self, name: str, channel: str, msg_type: str, content: dict[str, Any]) -> None:
        """Send a message that has no reply."""
        self._clients[name].send(channel, msg_type, content)

    def execute(self, name: str, code: str, **options: Any) -> dict[str, Any]:
        """Run code; see `_conversation` for the options."""
        return self.execute_all(name, [code], **options)[0]

    def execute_all(self, name: str, codes: list[str], **options: Any) -> list[dict[str, Any]]:
        """Send several requests at once and await the end of each."""
        metadata = options.pop("metadata", None)
        fields = {
            "silent": False,
            "store_history": True,
            "user_expressions": options.pop("user_expressions", {}),
            "allow_stdin": "answers" in options,
            "stop_on_error": options.pop("stop_on_error", True),
            **options.pop("content", {}),
        }
        client = self._clients[name]
        ids = [client.send("shell", "execute_request", {"code": code, **fields}, metadata) for code in codes]
        return self._conversation(name, ids, **options)

    def more(self, name: str, text: str, timeout_s: float = 10) -> list[dict[str, Any]]:
        """What is published from now on, until a stream has said `text`."""
        messages: list[dict[str, Any]] = []
        said = ""
        while text not in said:
            message = self._clients[name].receive(timeout_s, ("iopub",))
            messages.append(message)
            if message["msg_type"] == "stream":
                said += message["content"]["text"]
        return messages

    def bench(self, name: str, code: str, rounds: int) -> list[float]:
        """Milliseconds from request to reply and idle, of each round, sorted."""
        times: list[float] = []
        for _ in range(rounds):
            began = time.perf_counter()
            self.execute(name, code)
            times.append((time.perf_counter() - began) * 1000)
        return sorted(times)

    def _conversation(
        self,
        name: str,
        ids: list[str],
        answers: list[str] | None = None,
        interrupt_at: str | None = None,
        kill: bool = False,
        pause_at: str | None = None,
        pause_s: float = 0,
        until_death: bool = False,
        timeout_s: float = 30,
        brief: bool = False,
    ) -> list[dict[str, Any]]:
        """Read until each request has its reply and its idle, or the kernel has died.

        `answers` go to input requests; where a stream or an input request says `interrupt_at`, SIGINT follows;
        `brief` leaves out texts of streams and gives their lengths.
        """
        client = self._clients[name]
        replies: dict[str, Any] = dict.fromkeys(ids)
        idle: set[str] = set()
        messages: list[dict[str, Any]] = []
        said = ""
        while until_death or len(idle) < len(ids) or None in replies.values():
            try:
                message = client.receive(0.2 if until_death else timeout_s)
            except TimeoutError:
                if until_death and self._has_ended(self._pids[name]):
                    break
                if until_death:
                    continue
                raise
            message["at"] = time.monotonic()
            messages.append(message)
            content = message["content"]
            if message["channel"] == "shell":
                replies[message["parent_id"]] = message
            elif message["msg_type"] == "status" and content["execution_state"] == "idle":
                idle.update({message["parent_id"]} & set(ids))
            elif message["msg_type"] == "input_request":
                said += content["prompt"]
                if answers:
                    client.send("stdin", "input_reply", {"value": answers.pop(0)})
            elif message["msg_type"] == "stream":
                said = (said + content["text"])[-100_000:]
                if brief:
                    content["text_length"] = len(content.pop("text"))
            if pause_at is not None and pause_at in said:
                pause_at = None
                time.sleep(pause_s)
            if interrupt_at is not None and interrupt_at in said:
                interrupt_at = None
                self.signal(name)
        return [
            {
                "id": request,
                "reply": replies[request],
                "messages": [m for m in messages if m["parent_id"] == request and m["channel"] != "shell"],
                "others": [m for m in messages if m["parent_id"] not in ids],
            }
            for request in ids
        ]

    # Files

    def file(self, request: dict[str, Any]) -> dict[str, Any]:
        """One request to a file worker; the bytes of a read as latin-1 text in `data`."""
        connection = self._file_worker()
        with connection:
            connection.sendall(json.dumps(request).encode() + b"\n")
            stream = connection.makefile("rb")
            answer = json.loads(stream.readline())
            if answer["ok"] and request["op"] == "read":
                answer["data"] = stream.read().decode("latin-1")
            return answer

    def write_file(
        self, path: str, data: str, finish: bool = True, repeat: int = 1, chunk: int | None = None
    ) -> dict[str, Any]:
        """Write `data` (latin-1) `repeat` times; without `finish` the connection ends in the middle."""
        body = data.encode("latin-1")
        with self._file_worker() as connection:
            connection.sendall(json.dumps({"op": "write", "path": path}).encode() + b"\n")
            stream = connection.makefile("rb")
            first = json.loads(stream.readline())
            if not first["ok"]:
                return first
            try:
                for _ in range(repeat):
                    for start in range(0, len(body), chunk or len(body)):
                        part = body[start : start + (chunk or len(body))]
                        connection.sendall(struct.pack(">I", len(part)) + part)
                if not finish:
                    return {"ok": False, "code": "left"}
                connection.sendall(struct.pack(">I", 0))
            except OSError:
                pass
            return json.loads(stream.readline())

    def read_shrinking(self, path: str, to: int) -> dict[str, Any]:
        """Read a file that kernel `a` truncates after the answer has come."""
        with self._file_worker() as connection:
            request = {"op": "read", "path": path, "offset": 0, "length": None}
            connection.sendall(json.dumps(request).encode() + b"\n")
            stream = connection.makefile("rb")
            answer = json.loads(stream.readline())
            self.execute("a", f"import os; os.truncate({path!r}, {to})")
            return {"length": answer["length"], "received": len(stream.read())}

    def file_worker_pid(self) -> dict[str, Any]:
        """Start a worker and hang up."""
        self._file_worker().close()
        return {"pid": max(self._pidfds)}

    def _file_worker(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        answer, pidfd = self._ask({"op": "file"}, theirs.detach())
        assert answer["ok"] and pidfd is not None
        self._pidfds[answer["pid"]] = pidfd
        ours.settimeout(20)
        return ours

    # Underneath

    def _ask(self, message: dict[str, Any], descriptor: int | None) -> tuple[dict[str, Any], int | None]:
        self._next_id += 1
        data = json.dumps({"id": self._next_id, **message}).encode()
        socket.send_fds(self._control, [data], [] if descriptor is None else [descriptor])
        if descriptor is not None:
            os.close(descriptor)
        while True:
            answer, received = self._receive(10)
            if answer.get("id") == self._next_id:
                return answer, received

    def _receive(self, timeout_s: float) -> tuple[dict[str, Any], int | None]:
        self._control.settimeout(timeout_s)
        data, descriptors, _, _ = socket.recv_fds(self._control, 65536, 4)
        if not data:
            raise EOFError(self.console())
        message = json.loads(data)
        if "event" in message:
            self._events.append(message)
        return message, descriptors[0] if descriptors else None

    def _event(self, name: str, timeout_s: float, pid: int | None = None) -> dict[str, Any]:
        while True:
            for event in self._events:
                if event["event"] == name and (pid is None or event["pid"] == pid):
                    self._events.remove(event)
                    return event
            self._receive(timeout_s)

    def _has_ended(self, pid: int) -> bool:
        return bool(select.select([self._pidfds[pid]], [], [], 0)[0])

    def _read_console(self) -> None:
        while True:
            try:
                data = os.read(self._console, 65536)
            except BlockingIOError:
                return
            if not data:
                return
            self._log += data


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--user-uid", type=int, required=True)
    parser.add_argument("--kerneld-uid", type=int, required=True)
    arguments = parser.parse_args()
    driver = Driver(arguments.user_uid, arguments.kerneld_uid)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            result = getattr(driver, request["method"])(**request["params"])
            answer = {"id": request["id"], "result": result}
        except Exception:
            answer = {"id": request["id"], "error": traceback.format_exc() + driver.console()}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
