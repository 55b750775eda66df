"""kerneld's own words: one line for each notable event, never anything that user code chose."""

import os


def note(text: str) -> None:
    """Write one line to standard error; a reader that is gone or slow is nobody's concern."""
    line = " ".join(text.split())
    try:
        os.write(2, f"kerneld: {line}\n".encode("utf-8", "replace"))
    except OSError:
        pass
