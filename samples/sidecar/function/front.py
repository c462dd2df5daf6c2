"""The container that serves: asks its neighbour for the number, and reads the name that was prepared."""

import os
from pathlib import Path
from urllib.request import urlopen

from answering import serve


def answer(path: str) -> str:
    with urlopen("http://localhost:9090/visit") as number:
        said = f"visit {number.read().decode()} of {Path('/shared/name').read_text()}\n"
    print(said, end="", flush=True)
    return said


serve(int(os.environ.get("PORT", "8080")), answer)
