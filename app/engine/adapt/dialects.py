"""Expressions and durations of other engines, in ours: JUEL `${a == 'b'}`, FEEL `=a = "b"`, `8 hours`."""

from __future__ import annotations

import re

from app.engine import expressions, timer_text

_STRING = re.compile(r"(\"[^\"]*\"|'[^']*')")
_JUEL = (
    (r"&&", " and "), (r"\|\|", " or "), (r"!(?!=)", " not "), (r"\beq\b", "=="), (r"\bne\b", "!="),
    (r"\bgt\b", ">"), (r"\blt\b", "<"), (r"\bge\b", ">="), (r"\ble\b", "<="), (r"\bempty\s+(\w+)", r"not \1"),
)  # fmt: skip
_FEEL = ((r"(?<![<>=!])=(?!=)", "=="), (r"\bnot\s*\(", "not ("))
_WORDS = ((r"\btrue\b", "True"), (r"\bfalse\b", "False"), (r"\bnull\b", "None"))
_AMOUNT = re.compile(
    r"P?T?\s*(\d+)\s*(y|years?|mo|months?|w|weeks?|d|days?|h|hours?|hrs?|m|min|minutes?|s|sec|seconds?)\.?",
    re.IGNORECASE,
)
_CALL = re.compile(r"(?:duration|date and time|date)\(\s*(\"[^\"]*\")\s*\)")


def expression(text: str) -> str | None:
    """Return a foreign expression in our language, None if it is ours already or cannot be said in it."""
    text = text.strip()
    if text.startswith(("${", "#{")) and text.endswith("}"):
        found = _told(text[2:-1], (*_JUEL, *_WORDS))
    elif text.startswith("=") and not text.startswith("=="):
        found = _told(text[1:], (*_FEEL, *_WORDS))
    elif expressions.check(text) is not None:
        found = _told(text, (*_JUEL, *_FEEL, *_WORDS))
    else:
        found = _told(text, _WORDS)
    return found if found != text and expressions.check(found) is None else None


def word(text: str) -> str:
    """Return what an assignment means: `=lead` is the variable, `=["a", "b"]` a list, `a` just that."""
    text = text.strip()
    if text.startswith("="):
        inner = text[1:].strip()
        match = re.fullmatch(r'\[?\s*((?:"[\w:-]+"\s*,?\s*)+)\]?', inner)
        return ",".join(re.findall(r'"([\w:-]+)"', match[1])) if match else inner
    return text


def timer(kind: str, text: str) -> str | None:
    """Return a foreign time in our language, quoted; None if it is ours already or means nothing we know.

    kind: timeDuration, timeDate or timeCycle.
    """
    text = text.strip()
    if not text or timer_text.is_bare(text):
        return None
    if text.startswith("="):
        call = _CALL.fullmatch(text[1:].strip())
        inner = call[1] if call else text[1:].strip()
        return inner if expressions.check(inner) is None else None
    if kind == "timeDuration":
        bare = text.strip("\"' ")
        duration = _duration(bare)
        return (
            f'"{duration}"' if duration and f'"{duration}"' != text and not timer_text.is_bare(bare) else None
        )
    return None


def _told(text: str, words: tuple[tuple[str, str], ...]) -> str:
    parts = _STRING.split(text)
    for number in range(0, len(parts), 2):
        for pattern, new in words:
            parts[number] = re.sub(pattern, new, parts[number])
    for number in range(1, len(parts), 2):
        inner = parts[number][1:-1]
        if '"' not in inner:
            parts[number] = f'"{inner}"'
    return re.sub(r"  +", " ", "".join(parts)).strip()


def _duration(text: str) -> str | None:
    match = _AMOUNT.fullmatch(text)
    if match is None:
        return None
    number, unit = match[1], match[2].lower()
    # Under P and T a lone M is told apart by the T; "8m" alone is minutes.
    if unit.startswith(("mo",)) or (unit == "m" and text.upper().startswith("P") and "T" not in text.upper()):
        return f"P{number}M"
    letter = unit[0].upper()
    return f"P{number}{letter}" if letter in "YWD" else f"PT{number}{letter}"
