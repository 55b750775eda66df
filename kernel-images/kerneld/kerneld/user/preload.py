"""Modules that the first cells of nearly every session import."""

import importlib
from collections.abc import Iterable


def preload(modules: Iterable[str]) -> None:
    """Import them; one that the image lacks is a matter for the code that needs it."""
    for name in modules:
        try:
            importlib.import_module(name)
        except ImportError:
            continue
