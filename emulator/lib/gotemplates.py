"""Go's text/template, as far as Knative's settings use it: host names, container names, the request log.

`parse` reads a text once; `Template.render` fills it from plain data. A `Struct` is what Go calls one, where an unknown
field is a fault; any other Mapping is a Go map, where a missing key is no value. A callable is a method. Actions:
pipelines, variables, comments, trimming, `if`, `with` and `range` with `else`; the functions are in
gotemplatefunctions.py. Templates that define others (`define`, `template`, `block`) are refused with a word.

Followed: Go 1.25 text/template (exec.go, parse/lex.go, parse/parse.go).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from emulator.lib.gotemplatefunctions import FUNCTIONS, TemplateFault, is_true, printed

_TOKEN = re.compile(
    r"""\s*(?:(?P<text>"(?:\\.|[^"\\\n])*"|`[^`]*`)|(?P<char>'(?:\\.|[^'\\])+')
    |(?P<number>[+-]?\d[\w.]*)|(?P<variable>\$\w*)(?P<chain>(?:\.\w+)*)|(?P<field>\.\w+(?:\.\w+)*)|(?P<dot>\.)
    |(?P<word>\w+)|(?P<sign>:=|=|\||\(|\)|,))""",
    re.VERBOSE,
)
_KEYWORDS = ("if", "with", "range", "else", "end", "define", "template", "block", "break", "continue")
_COMMENT = re.compile(r"/\*.*\*/\s*\Z", re.DOTALL)


class Struct(dict[str, Any]):
    """Fields by name; `type` is what Go's faults call it."""

    def __init__(self, type: str, fields: Mapping[str, Any]) -> None:
        super().__init__(fields)
        self.type = type


Scope = dict[str, Any]
Eval = Callable[[Any, Scope], Any]
Node = Callable[[Any, Scope, list[str]], None]


@dataclass(frozen=True)
class Template:
    """A template that was read; `render` may be called any number of times."""

    name: str
    nodes: Sequence[Node]

    def render(self, data: Any) -> str:
        """The text for these data; TemplateFault with Go's words where they do not fit."""
        out: list[str] = []
        try:
            _run(self.nodes, data, {"$": data}, out)
        except TemplateFault as fault:
            raise TemplateFault(f'template: {self.name}: executing "{self.name}": {fault}') from None
        return "".join(out)


def parse(name: str, text: str) -> Template:
    """The template of a text; TemplateFault naming it and the line when it is none."""
    reader = _Reader(name, list(_pieces(name, text)))
    nodes, _ = reader.nodes(())
    return Template(name, nodes)


def _run(nodes: Sequence[Node], dot: Any, scope: Scope, out: list[str]) -> None:
    for node in nodes:
        node(dot, scope, out)


# -- reading


@dataclass(frozen=True)
class _Piece:
    """Text between actions, or the inside of one."""

    text: str
    line: int
    is_action: bool


def _pieces(name: str, text: str) -> Iterator[_Piece]:
    at = 0
    trimmed = False
    while (start := text.find("{{", at)) >= 0:
        line = text.count("\n", 0, start) + 1
        end = _action_end(text, start + 2)
        if end < 0:
            raise TemplateFault(f"template: {name}:{line}: unclosed action")
        body, plain = text[start + 2 : end], text[at:start]
        if body.startswith("-") and body[1:2].isspace():
            body, plain = body[1:], plain.rstrip()
        yield _Piece(plain.lstrip() if trimmed else plain, line, False)
        trimmed = body.endswith("-") and body[-2:-1].isspace()
        yield _Piece((body[:-1] if trimmed else body).strip(), line, True)
        at = end + 2
    yield _Piece(text[at:].lstrip() if trimmed else text[at:], text.count("\n") + 1, False)


def _action_end(text: str, at: int) -> int:
    """Where the action ends that begins before `at`: at the next `}}` outside of a quoted text; -1 if nowhere."""
    quote = ""
    while at < len(text):
        char = text[at]
        if quote:
            if char == "\\" and quote == '"':
                at += 1
            elif char == quote:
                quote = ""
        elif char in '"`':
            quote = char
        elif text.startswith("}}", at):
            return at
        at += 1
    return -1


class _Reader:
    """Makes nodes of the pieces of a template, one after the other."""

    def __init__(self, name: str, pieces: list[_Piece]) -> None:
        self._name = name
        self._pieces = pieces
        self._at = 0

    def nodes(self, ends: tuple[str, ...]) -> tuple[list[Node], str]:
        """The nodes up to one of these actions (the end of the text for none), and that action's text."""
        found: list[Node] = []
        while self._at < len(self._pieces):
            piece = self._pieces[self._at]
            self._at += 1
            if not piece.is_action:
                if piece.text:
                    found.append(_literal(piece.text))
                continue
            if _COMMENT.match(piece.text):
                continue
            word, _, rest = piece.text.partition(" ")
            if word in ("end", "else"):
                if word not in ends:
                    raise self._fault(piece, f"unexpected {{{{{word}}}}}")
                return found, piece.text
            found.append(self._action(piece, word, rest))
        if ends:
            raise TemplateFault(f"template: {self._name}:{self._pieces[-1].line}: unexpected EOF")
        return found, ""

    def _action(self, piece: _Piece, word: str, rest: str) -> Node:
        if word in ("if", "with", "range"):
            return self._control(piece, word, rest)
        if word in _KEYWORDS:
            raise self._fault(piece, f"{{{{{word}}}}} is not read by kemu; write it without")
        names, evaluate = self._pipeline(piece, piece.text)

        def node(dot: Any, scope: Scope, out: list[str]) -> None:
            value = evaluate(dot, scope)
            if names:
                scope[names[0]] = value
            else:
                out.append(printed(value))

        return node

    def _control(self, piece: _Piece, word: str, rest: str) -> Node:
        names, evaluate = self._pipeline(piece, rest)
        body, end = self.nodes(("else", "end"))
        otherwise: list[Node] = []
        if end.startswith("else"):
            following = end.removeprefix("else").strip()
            if following:
                inner, _, condition = following.partition(" ")
                otherwise = [self._control(piece, inner, condition)]
            else:
                otherwise, _ = self.nodes(("end",))
        made = {"if": _if, "with": _with, "range": _range}.get(word)
        if made is None:
            raise self._fault(piece, f"unexpected <{word}> in else")
        return made(names, evaluate, body, otherwise)

    def _pipeline(self, piece: _Piece, text: str) -> tuple[list[str], Eval]:
        """The variables that are declared, and what the pipeline gives."""
        tokens = self._tokens(piece, text)
        names: list[str] = []
        marks = [token for token in tokens if token[0] == "sign" and token[1] in (":=", "=")]
        if marks:
            at = tokens.index(marks[0])
            names = [token[1] for token in tokens[:at] if token[0] == "variable"]
            tokens = tokens[at + 1 :]
        if not tokens:
            raise self._fault(piece, "missing value for command")
        evaluate, left = self._commands(piece, tokens)
        if left:
            raise self._fault(piece, f"unexpected {left[0][1]} in command")
        return names, evaluate

    def _tokens(self, piece: _Piece, text: str) -> list[tuple[str, str]]:
        found, at = [], 0
        text = text.strip()
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None:
                raise self._fault(piece, f"unexpected {text[at:].strip()[:1]!r} in command".replace("'", '"'))
            kind = match.lastgroup if match.lastgroup != "chain" else "variable"
            assert kind is not None
            found.append((kind, match[kind] + (match["chain"] or "" if kind == "variable" else "")))
            at = match.end()
        return found

    def _commands(self, piece: _Piece, tokens: list[tuple[str, str]]) -> tuple[Eval, list[tuple[str, str]]]:
        """What the commands between pipes give, each the last argument of the next; and the tokens behind."""
        evaluate: Eval | None = None
        while True:
            operands: list[Eval] = []
            while tokens and tokens[0][1] not in ("|", ")"):
                operand, tokens = self._operand(piece, tokens)
                operands.append(operand)
            if not operands:
                raise self._fault(piece, "missing value for command")
            evaluate = _command(operands, evaluate)
            if not tokens or tokens[0][1] == ")":
                return evaluate, tokens
            tokens = tokens[1:]

    def _operand(self, piece: _Piece, tokens: list[tuple[str, str]]) -> tuple[Eval, list[tuple[str, str]]]:
        (kind, text), rest = tokens[0], tokens[1:]
        if text == "(":
            inner, rest = self._commands(piece, rest)
            if not rest:
                raise self._fault(piece, "unclosed left paren")
            rest = rest[1:]
            if rest and rest[0][0] == "field":
                return _chained(inner, rest[0][1]), rest[1:]
            return inner, rest
        if kind == "word" and text not in ("true", "false", "nil"):
            if text not in FUNCTIONS:
                raise self._fault(piece, f'function "{text}" not defined')
            function = FUNCTIONS[text]
            return _marked(function), rest
        if kind == "sign":
            raise self._fault(piece, f"unexpected {text} in operand")
        return _value(kind, text), rest

    def _fault(self, piece: _Piece, said: str) -> TemplateFault:
        return TemplateFault(f"template: {self._name}:{piece.line}: {said}")


# -- nodes


def _literal(text: str) -> Node:
    return lambda dot, scope, out: out.append(text)


def _if(names: list[str], evaluate: Eval, body: list[Node], otherwise: list[Node]) -> Node:
    def node(dot: Any, scope: Scope, out: list[str]) -> None:
        value = evaluate(dot, scope)
        inner = {**scope, **({names[0]: value} if names else {})}
        _run(body if is_true(value) else otherwise, dot, inner, out)

    return node


def _with(names: list[str], evaluate: Eval, body: list[Node], otherwise: list[Node]) -> Node:
    def node(dot: Any, scope: Scope, out: list[str]) -> None:
        value = evaluate(dot, scope)
        inner = {**scope, **({names[0]: value} if names else {})}
        if is_true(value):
            _run(body, value, inner, out)
        else:
            _run(otherwise, dot, inner, out)

    return node


def _range(names: list[str], evaluate: Eval, body: list[Node], otherwise: list[Node]) -> Node:
    def node(dot: Any, scope: Scope, out: list[str]) -> None:
        value = evaluate(dot, scope)
        pairs = sorted(value.items()) if isinstance(value, Mapping) else list(enumerate(value or ()))
        for key, item in pairs:
            told = (key, item) if len(names) > 1 else (item,)
            _run(body, item, {**scope, **dict(zip(names, told, strict=False))}, out)
        if not pairs:
            _run(otherwise, dot, dict(scope), out)

    return node


# -- values


def _marked(function: Callable[..., Any]) -> Eval:
    """A function's name as an operand: a value that `_command` calls with the arguments behind it."""
    return lambda dot, scope: _Call(function)


@dataclass(frozen=True)
class _Call:
    function: Callable[..., Any]


def _command(operands: Sequence[Eval], piped: Eval | None) -> Eval:
    def evaluate(dot: Any, scope: Scope) -> Any:
        first, *given = [operand(dot, scope) for operand in operands]
        arguments = [argument.function() if isinstance(argument, _Call) else argument for argument in given]
        if piped is not None:
            arguments.append(piped(dot, scope))
        function = first.function if isinstance(first, _Call) else first
        if not callable(function):
            if arguments:
                raise TemplateFault(f"can't give argument to non-function {printed(first)}")
            return first
        try:
            return function(*arguments)
        except TypeError:
            raise TemplateFault(f"wrong number of args: got {len(arguments)}") from None

    return evaluate


def _value(kind: str, text: str) -> Eval:
    if kind == "dot":
        return lambda dot, scope: dot
    if kind == "field":
        path = text[1:].split(".")
        return lambda dot, scope: _follow(dot, path)
    if kind == "variable":
        name, *rest = text.split(".")
        return lambda dot, scope: _follow(_variable(scope, name), rest)
    constants = {"true": True, "false": False, "nil": None}
    value = constants[text] if kind == "word" else _constant(kind, text)
    return lambda dot, scope: value


def _constant(kind: str, text: str) -> Any:
    if text.startswith("`"):
        return text[1:-1]
    read = ast.literal_eval(text.removeprefix("+"))
    return ord(read) if kind == "char" else read


def _variable(scope: Scope, name: str) -> Any:
    if name not in scope:
        raise TemplateFault(f'undefined variable "{name}"')
    return scope[name]


def _chained(inner: Eval, text: str) -> Eval:
    path = text[1:].split(".")
    return lambda dot, scope: _follow(inner(dot, scope), path)


def _follow(value: Any, path: Sequence[str]) -> Any:
    for name in path:
        if callable(value):
            value = value()
        if isinstance(value, Struct):
            if name not in value:
                raise TemplateFault(f"at <.{'.'.join(path)}>: can't evaluate field {name} in type {value.type}")
            value = value[name]
        elif isinstance(value, Mapping):
            value = value.get(name)
        else:
            raise TemplateFault(f"at <.{'.'.join(path)}>: can't evaluate field {name} in {printed(value)!r}")
    return value
