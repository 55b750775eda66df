"""What every kernel of a sandbox shares."""

from collections.abc import Callable
from dataclasses import dataclass

import zmq

from kerneld.artifacts import Artifacts
from kerneld.cgroup import Cgroup
from kerneld.journal import Journal
from kerneld.run import Run
from kerneld.transcript import Transcript
from kerneld.zygote import Zygote


@dataclass(frozen=True, slots=True)
class Services:
    """Made once, at start."""

    zygote: Zygote
    context: zmq.Context[zmq.Socket[bytes]]
    journal: Journal
    artifacts: Artifacts
    transcript: Transcript
    cgroup: Cgroup
    find_run: Callable[[str], Run | None]
