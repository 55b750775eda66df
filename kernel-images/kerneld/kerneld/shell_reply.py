"""What a kernel answers to a shell request, cut to what an answer to the gateway may hold."""

import json
from typing import Any

_MAX_BYTES = 768 * 1024
_MAX_CONTAINERS = 50_000
_MAX_TEXT = 64 * 1024


def fit_reply(msg_type: str, content: dict[str, Any]) -> dict[str, Any]:
    """The content itself where it fits; otherwise of a history the latest entries, of completions the first matches,
    of an inspection the beginning of each text, and of any other reply that it was too large."""
    if _fits(content):
        return content
    shorter: dict[str, Any] | None = None
    history, matches, data = content.get("history"), content.get("matches"), content.get("data")
    if msg_type == "history_reply" and isinstance(history, list):
        shorter = content | {"history": _first_that_fit(history[::-1])[::-1]}
    elif msg_type == "complete_reply" and isinstance(matches, list):
        shorter = content | {"matches": _first_that_fit(matches), "metadata": {}}
    elif msg_type == "inspect_reply" and isinstance(data, dict):
        texts = {mime: text[:_MAX_TEXT] for mime, text in data.items() if isinstance(text, str)}
        shorter = content | {"data": texts, "metadata": {}}
    if shorter is not None and _fits(shorter):
        return shorter
    return {"status": "error", "ename": "ReplyTooLarge", "evalue": "the reply is too large", "traceback": []}


def _size(value: Any) -> tuple[int, int]:
    """Characters of its JSON, in which whatever is not ASCII is escaped, and at most so many containers."""
    text = json.dumps(value, separators=(",", ":"))
    return len(text), text.count("{") + text.count("[")


def _fits(value: dict[str, Any]) -> bool:
    size, containers = _size(value)
    return size <= _MAX_BYTES and containers <= _MAX_CONTAINERS


def _first_that_fit(items: list[Any]) -> list[Any]:
    room, room_for_containers = _MAX_BYTES // 2, _MAX_CONTAINERS // 2
    for number, item in enumerate(items):
        size, containers = _size(item)
        room -= size + 1
        room_for_containers -= containers
        if room < 0 or room_for_containers < 0:
            return items[:number]
    return items
