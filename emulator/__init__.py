"""kemu: Knative on a laptop, in one process. `app.py` wires the parts; README.md has the picture of the layers."""

__version__ = "0.1.0"
