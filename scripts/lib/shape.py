"""The shape of the code: called by scripts/check from the checkout's root.

Fails on a module over 500 lines, and in emulator/ on one without a docstring. Lists modules of emulator/ without
tests/<folder>/test_<module>.py (what only wires or declares is tested through tests/scenarios), and functions over 40
lines; a function's length leaves out its docstring.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

MODULE_LINES = 500
FUNCTION_LINES = 40


def main() -> int:
    faults: list[str] = []
    for path in sorted([*Path("emulator").rglob("*.py"), *Path("tests").rglob("*.py")]):
        source = path.read_text("utf-8")
        tree = ast.parse(source)
        faults += faults_of(path, source, tree)
        for name, line, length in long_functions(tree):
            print(f"  note: {path}:{line} {name} has {length} lines, over {FUNCTION_LINES}")
    without = [str(path) for path in sorted(Path("emulator").rglob("*.py")) if not is_tested(path)]
    if without:
        print(f"  note: {len(without)} modules without a test file of their own: {' '.join(without)}")
    for fault in faults:
        print(f"  {fault}")
    print(f"  {'shape':<14} {'FAILED' if faults else 'ok'}")
    return 1 if faults else 0


def faults_of(path: Path, source: str, tree: ast.Module) -> Iterator[str]:
    lines = source.count("\n")
    if lines > MODULE_LINES:
        yield f"{path} has {lines} lines, over {MODULE_LINES}: split it"
    if path.parts[0] != "emulator":
        return
    if source.strip() and ast.get_docstring(tree) is None:
        yield f"{path} has no module docstring: say what it owns, what it must not do, and who calls it"


def is_tested(path: Path) -> bool:
    return path.name.startswith("__") or Path("tests", *path.parts[1:-1], f"test_{path.name}").exists()


def long_functions(tree: ast.Module) -> Iterator[tuple[str, int, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if ast.get_docstring(node) is not None:
                head = node.body[0]
                length -= (head.end_lineno or head.lineno) - head.lineno + 1
            if length > FUNCTION_LINES:
                yield node.name, node.lineno, length


if __name__ == "__main__":
    sys.exit(main())
