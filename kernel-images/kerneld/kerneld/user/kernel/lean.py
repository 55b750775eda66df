"""IPython without its terminal shell, which would be a seventh of a kernel's modules, for one function."""

import sys
from types import ModuleType
from typing import Any

_EMBED = "IPython.terminal.embed"


def import_ipython() -> None:
    """Import IPython; what its terminal shell is needed for is imported when it is used."""
    if "IPython" in sys.modules:
        return
    stand_in = ModuleType(_EMBED)
    stand_in.embed = _embed  # type: ignore[attr-defined]
    sys.modules[_EMBED] = stand_in
    try:
        import IPython  # noqa: F401
    finally:
        del sys.modules[_EMBED]


def _embed(*arguments: Any, **options: Any) -> Any:
    """`IPython.embed`."""
    from IPython.terminal.embed import embed

    return embed(*arguments, **options)
