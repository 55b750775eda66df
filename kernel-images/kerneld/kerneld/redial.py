"""When to dial a gateway again that could not be reached or did not accept us."""

_FIRST_S = 0.05
_LONGEST_AWAY_S = 0.25
_LONGEST_REFUSED_S = 2.0

_AWAY = (FileNotFoundError, ConnectionRefusedError, PermissionError)
"""What connecting to a Unix socket fails with while nobody listens, or does not yet let us in."""


class Redial:
    """Waits that double from one failure to the next.

    A gateway that is away costs next to nothing to look for and is to be found at once when it is back. One that lives
    and refuses, or breaks off its greeting, is left alone for longer.
    """

    def __init__(self) -> None:
        self._delay_s = 0.0

    def succeeded(self) -> None:
        """The next failure is a first one."""
        self._delay_s = 0.0

    def failed(self, problem: Exception) -> float:
        """How many seconds to wait after `problem`."""
        longest = _LONGEST_AWAY_S if isinstance(problem, _AWAY) else _LONGEST_REFUSED_S
        self._delay_s = min(self._delay_s * 2 or _FIRST_S, longest)
        return self._delay_s
