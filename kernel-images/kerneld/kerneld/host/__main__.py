"""The zygote's process: prepares all that sandboxes have in common, then makes them."""

import json
import os
import socket
import sys
import traceback
from typing import Any, NoReturn

from . import places, proc
from .cgroups import Hierarchy
from .failure import Failure


def main() -> NoReturn:
    """Run until nobody needs it; the process exits here. Its word on the status pipe is one of `Failure` or ok."""
    found, preload = json.loads(sys.argv[1])
    hierarchies = [Hierarchy(name, version, f"{places.CGROUPS}/{name}") for name, version in found]
    try:
        proc.check()
        # Not earlier: this takes most of the time, and may fail in an image that is broken.
        from .preparation import prepare

        prepared = prepare(hierarchies, preload)
    except BaseException as error:
        failure = error if isinstance(error, Failure) else Failure("image_broken", repr(error))
        traceback.print_exc()
        _say(failure.as_answer())
        sys.exit(1)
    from .zygote import Zygote

    zygote = Zygote(socket.socket(fileno=places.CONTROL), socket.socket(fileno=places.EVENTS), prepared)
    _say({"ok": True})
    zygote.serve()
    os._exit(0)


def _say(answer: dict[str, Any]) -> None:
    os.write(places.STATUS, json.dumps(answer).encode())
    os.close(places.STATUS)
