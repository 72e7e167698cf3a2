"""Durations in words."""

NO_BREAK = "\N{NO-BREAK SPACE}"
_UNITS = (("d", 86400, "h", 3600), ("h", 3600, "min", 60), ("min", 60, "s", 1))
"""(unit, its seconds, the next smaller one, its seconds)."""


def words(seconds: int) -> str:
    """A duration in two units at most: 42 s, 3 min 10 s, 2 h 5 min; one from ten of it on. Its blanks do not break."""
    for unit, size, smaller, part in _UNITS:
        if seconds >= size:
            whole, rest = seconds // size, seconds % size // part
            text = f"{whole} {unit} {rest} {smaller}" if rest and whole < 10 else f"{whole} {unit}"
            return text.replace(" ", NO_BREAK)
    return f"{seconds}{NO_BREAK}s"
