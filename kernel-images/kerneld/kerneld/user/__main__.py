"""The first process of the user side: prepares everything that kernels have in common, then forks them."""

import gc
import sys

from .. import privileges
from . import limits, preload, seccomp, skeleton
from .control import ControlChannel


def main() -> None:
    """Run the zygote on the control descriptor, until kerneld ends or breaks the protocol."""
    gc.disable()
    limits.set_out_of_memory_score(limits.ZYGOTE_SCORE)
    limits.forbid_core_dumps()
    seccomp.Assembled().install()
    control = ControlChannel(privileges.CONTROL_DESCRIPTOR)
    skeleton.Skeleton().copy()
    # Only now: these import what may look at the files just copied.
    from .kernel import process
    from .zygote import serve

    kernel = process.build()
    preload.preload(privileges.image_preload())
    environment = privileges.image_environment()
    gc.collect()
    gc.freeze()
    sys.exit(serve(control, environment, kernel, start_ahead=False))


if __name__ == "__main__":
    main()
