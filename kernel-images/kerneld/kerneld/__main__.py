"""PID 1 of a sandbox: part from user code first, load and read everything else afterwards."""

import os
import sys
from typing import NoReturn

from kerneld.privileges import split

LINK_DIRECTORY = "/run/kerneld/link"


def main() -> NoReturn:
    """Run kerneld until its sandbox ends; the process exits here."""
    user_uid, kerneld_uid, link_directory = _arguments(sys.argv[1:])
    user_side = split(user_uid, kerneld_uid)
    # tornado makes TLS contexts when it is imported; the certificates in them would take 8 ms and 1 MB.
    os.environ["SSL_CERT_FILE"] = os.environ["SSL_CERT_DIR"] = "/dev/null"
    # Not earlier: what is imported before the split delays the user side, which loads its own part meanwhile.
    from kerneld.daemon import run

    os._exit(run(user_side, link_directory))


def _arguments(arguments: list[str]) -> tuple[int, int, str]:
    # argparse would cost more than the split itself.
    values = {"--link-directory": LINK_DIRECTORY}
    for name, value in zip(arguments[::2], arguments[1::2], strict=False):
        values[name] = value
    try:
        return int(values["--user-uid"]), int(values["--kerneld-uid"]), values["--link-directory"]
    except (KeyError, ValueError):
        sys.exit("usage: kerneld --user-uid U --kerneld-uid K [--link-directory D]")


if __name__ == "__main__":
    main()
