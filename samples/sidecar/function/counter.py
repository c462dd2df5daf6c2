"""The container beside: answers with how often it was asked; its health is not counted."""

import itertools

from answering import serve

visits = itertools.count(1)

serve(9090, lambda path: "well\n" if path == "/healthz" else str(next(visits)))
