"""The variables and the directory that hold for one run."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager


@contextmanager
def circumstances(environment: Mapping[str, str], directory: str | None) -> Iterator[None]:
    """Have the variables set and the directory be the current one, then put both back as they were.

    Raises `OSError` or `ValueError` where the directory or a variable cannot be had.
    """
    before = {name: os.environ.get(name) for name in environment}
    back = _current_directory() if directory is not None else None
    try:
        os.environ.update(environment)
        if directory is not None:
            os.makedirs(directory, exist_ok=True)
            os.chdir(directory)
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        if back is not None:
            os.fchdir(back)
            os.close(back)


def _current_directory() -> int:
    """A descriptor of it, which stays right when it is renamed or deleted."""
    return os.open(".", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
