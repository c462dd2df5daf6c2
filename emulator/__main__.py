"""`kemu`, and `python -m emulator`."""

from __future__ import annotations

from emulator.cli.main import kemu


def main() -> None:
    """Run the command line; the exit code is 0, 1 (failed), 2 (usage) or 3 (no engine, or no running kemu)."""
    kemu.main(prog_name="kemu")


if __name__ == "__main__":
    main()
