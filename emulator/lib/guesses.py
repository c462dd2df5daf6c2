"""What was probably meant by a name that there is not, for the end of a message.

Pure. A guess comes first; without one a few of the names that there are, those that look most like it, and never a list
too long to read.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_FEW = 6


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`did you mean "env"?`, or ""."""
    names = sorted(known)
    begun = [n for n in names if name.startswith(n) and len(n) > 2]  # enviroment: env, rather than envFrom
    near = begun[-1:] or difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if not near:
        folded = {n.lower(): n for n in names}
        near = [folded[name.lower()]] if name.lower() in folded else []
    return f'did you mean "{near[0]}"?' if near else ""


def near_names(name: str, known: Iterable[str], among: str = "there are: ") -> str:
    """A guess, or a few of the names that there are, after `among`."""
    names = sorted(set(known))
    if guess := did_you_mean(name, names):
        return guess
    few, more = nearest(name, names, _FEW)
    return f"{among}{', '.join(few)}{', …' if more else ''}"


def nearest(name: str, known: Iterable[str], most: int) -> tuple[list[str], int]:
    """The `most` names that look most like `name`, sorted, and how many others there are."""
    names = sorted(set(known))
    if len(names) <= most:
        return names, 0
    return sorted(difflib.get_close_matches(name, names, n=most, cutoff=0.0)), len(names) - most
