"""The first process of the user side: prepares everything that kernels have in common, then forks them."""

import gc
import sys

from .. import privileges
from . import limits, preload, seccomp, skeleton
from .control import ControlChannel, ControlError


def main() -> None:
    """Run the zygote on the control descriptor, until kerneld ends or breaks the protocol."""
    gc.disable()
    limits.set_out_of_memory_score(limits.ZYGOTE_SCORE)
    limits.forbid_core_dumps()
    seccomp.install()
    control = ControlChannel(privileges.CONTROL_DESCRIPTOR)
    skeleton.copy_skeleton()
    # Only now: these import what may look at the files just copied.
    from .kernel import process
    from .zygote import Zygote

    kernel = process.build()
    preload.preload(privileges.image_preload())
    zygote = Zygote(control, privileges.image_environment(), kernel)
    gc.collect()
    gc.freeze()
    try:
        zygote.serve()
    except EOFError:
        sys.exit(0)
    except ControlError as error:
        sys.exit(f"kerneld broke the protocol: {error}")


if __name__ == "__main__":
    main()
