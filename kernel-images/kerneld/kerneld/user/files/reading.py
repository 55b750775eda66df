"""Reading, describing and listing."""

import json
import os
import socket
from collections import deque
from collections.abc import Iterator
from typing import Any

from .beneath import components, kind, locate
from .failures import FileFailure

MAX_ENTRIES = 10_000
MAX_DEPTH = 32

_MAX_ANSWER = 1024 * 1024 - 4096


def open_for_reading(path: str, offset: int, length: int | None) -> tuple[int, dict[str, Any]]:
    """A descriptor of the regular file at `path` and the answer that describes what of it will be sent."""
    with locate(path) as location:
        descriptor = location.open(os.O_RDONLY)
    try:
        status = os.fstat(descriptor)
        if kind(status) == "directory":
            raise FileFailure("is_directory", "a directory has no bytes")
        if kind(status) != "file":
            raise FileFailure("not_a_regular_file", "only regular files can be read")
        rest = max(status.st_size - offset, 0)
        answer = {
            "size": status.st_size,
            "length": rest if length is None else min(length, rest),
            "mtime_ns": str(status.st_mtime_ns),
            "inode": str(status.st_ino),
        }
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor, answer


def send(connection: socket.socket, descriptor: int, offset: int, length: int) -> None:
    """Send `length` bytes; fewer when the file has become shorter, which the end of the connection then tells."""
    end = offset + length
    while offset < end:
        sent = os.sendfile(connection.fileno(), descriptor, offset, min(end - offset, 1 << 30))
        if sent == 0:
            return
        offset += sent


def describe(path: str) -> dict[str, Any]:
    """Kind, size, time and inode of what is at `path`."""
    with locate(path) as location:
        status = location.status()
    return {
        "kind": kind(status),
        "size": status.st_size,
        "mtime_ns": str(status.st_mtime_ns),
        "inode": str(status.st_ino),
    }


def list_directory(path: str, depth: int) -> dict[str, Any]:
    """What is below `path`, level by level until there is enough.

    Sorted by path; paths are relative to the workspace.
    """
    entries: list[dict[str, Any]] = []
    size = 0
    truncated = False
    for entry in _walk(path, depth):
        size += len(json.dumps(entry)) + 2
        if len(entries) == MAX_ENTRIES or size > _MAX_ANSWER:
            truncated = True
            break
        entries.append(entry)
    entries.sort(key=lambda entry: os.fsencode(entry["path"]))
    return {"entries": entries, "truncated": truncated}


def _walk(path: str, depth: int) -> Iterator[dict[str, Any]]:
    start = os.fsdecode(b"/".join(components(path)))
    ahead = deque([(start, 1)])
    while ahead:
        directory, level = ahead.popleft()
        try:
            with locate(directory) as location:
                descriptor = location.open(os.O_RDONLY | os.O_DIRECTORY)
        except (FileFailure, OSError):
            if level == 1:
                raise
            continue  # It went away, or is not for us to see.
        try:
            with os.scandir(descriptor) as found:
                for item in found:
                    name = f"{directory}/{item.name}" if directory else item.name
                    entry = _entry(name, item)
                    if entry is None:
                        continue
                    yield entry
                    if level < depth and item.is_dir(follow_symlinks=False):
                        ahead.append((name, level + 1))
        finally:
            os.close(descriptor)


def _entry(path: str, item: os.DirEntry[str]) -> dict[str, Any] | None:
    """The entry for `item`, for a link what it leads to; none when it is gone."""
    try:
        status = item.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None
    if item.is_symlink():
        try:
            with locate(path) as location:
                status = location.status()
        except (FileFailure, OSError):
            pass  # A link to nowhere, or out: then it is the link itself that is there.
    return {
        "path": path,
        "kind": kind(status),
        "size": status.st_size,
        "mtime_ns": str(status.st_mtime_ns),
    }
