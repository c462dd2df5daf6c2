"""JSON values as YAML that reads back as the same.

PyYAML quotes what its own resolver would take for a number or a boolean; kubectl's differs (`scalars.py`), so a text
such as `1e3` or `y` is quoted here by what that makes of it. What prints objects uses this.
"""

from __future__ import annotations

from typing import Any

import yaml

from emulator.manifests.scalars import plain


class _Dumper(yaml.SafeDumper):
    """Asks both resolvers before it leaves out quotes."""


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    style = None if isinstance(plain(text), str) or "\n" in text else "'"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def text_of(value: Any, *, sort_keys: bool = False) -> str:
    """Block style, long lines left whole."""
    text: str = yaml.dump(
        value, Dumper=_Dumper, sort_keys=sort_keys, default_flow_style=False, allow_unicode=True, width=1000
    )
    return text
