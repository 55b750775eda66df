"""kerneld's own words: one line for each notable event, never anything that user code chose."""

import os
from contextlib import suppress


def note(text: str) -> None:
    """Write one line to standard error; a reader that is gone or slow is nobody's concern."""
    line = " ".join(text.split())
    with suppress(OSError):
        os.write(2, f"kerneld: {line}\n".encode("utf-8", "replace"))
