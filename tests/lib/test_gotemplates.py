"""Go templates as Knative's settings have them; the expected texts are what Go 1.25 prints."""

from __future__ import annotations

import pytest

from emulator.lib.gotemplatefunctions import TemplateFault
from emulator.lib.gotemplates import Struct, parse

REQUEST = Struct("http.Request", {"Method": "GET", "UserAgent": lambda: 'a"<b', "Get": lambda key: f"{key}!"})
DATA = Struct(
    "config.Values",
    {"Name": "foo", "Labels": {"a": "b"}, "Count": 3, "Share": 2.5, "List": [1, 2], "Request": REQUEST, "None": None},
)


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("plain } text", "plain } text"),
        ("{{.Name}}.{{ .Labels.a }}", "foo.b"),
        ('{{index .Labels "a"}}{{.Labels.missing}}{{index .Labels "missing"}}', "b<no value>"),
        ("x {{- .Name -}} y", "xfooy"),
        ("{{/* nothing */}}{{- /* nothing */ -}}", ""),
        ('{{if eq .Name "foo"}}A{{else}}B{{end}}', "A"),
        ('{{if eq .Name "bar" "foo"}}A{{end}}', "A"),
        ("{{if not .Name}}A{{else if .Count}}B{{else}}C{{end}}", "B"),
        ("{{with .Labels}}{{.a}}{{else}}none{{end}}", "b"),
        ("{{with .Labels.missing}}{{.}}{{else}}{{.Name}}{{end}}", "foo"),
        ("{{range $i, $e := .List}}{{$i}}={{$e}},{{end}}", "0=1,1=2,"),
        ("{{range $k, $v := .Labels}}{{$k}}={{$v}}{{end}}", "a=b"),
        ("{{range .Labels.missing}}x{{else}}none{{end}}", "none"),
        ("{{$x := .Count}}{{$x}}{{$.Name}}", "3foo"),
        ("{{.Count | printf `%03d`}} {{.Share}} {{.List}} {{.Labels}}", "003 2.5 [1 2] map[a:b]"),
        ('{{printf "%s-%d%%" .Name (len .List)}}', "foo-2%"),
        ('{{printf "%q %5.1f %-4sx" .Name .Share "a"}}', '"foo"   2.5 a   x'),
        ("{{js .Request.UserAgent}} {{.Request.Method}}", 'a\\"\\u003Cb GET'),
        ('{{.Request.Get "key"}}', "key!"),
        ('{{html "<a href=\'x\'>" | len}} {{urlquery "a b&c"}}', "26 a+b%26c"),
        ('{{and .Name .Count}} {{or "" .Name}} {{ne 1 2}} {{lt 1 2}}', "3 foo true true"),
        ('{{slice "abcdef" 1 3}} {{print 1 2 "x"}} {{true}}', "bc 1 2x true"),
        ('{{"a}}b"}}', "a}}b"),
    ],
)
def test_a_template_is_filled(text: str, made: str) -> None:
    assert parse("t", text).render(DATA) == made


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{{.Name", "template: t:1: unclosed action"),
        ("\n{{if .Name}}", "template: t:2: unexpected EOF"),
        ("{{end}}", "template: t:1: unexpected {{end}}"),
        ("{{}/* a comment */}}", 'template: t:1: unexpected "}" in command'),
        ("{{}}", "template: t:1: missing value for command"),
        ("{{upper .Name}}", 'template: t:1: function "upper" not defined'),
        ("{{(.Name}}", "template: t:1: unclosed left paren"),
        ('{{define "x"}}{{end}}', "template: t:1: {{define}} is not read by kemu; write it without"),
    ],
)
def test_what_is_no_template_is_told_with_its_line(text: str, said: str) -> None:
    with pytest.raises(TemplateFault) as caught:
        parse("t", text)
    assert str(caught.value) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{{.Title}}", "at <.Title>: can't evaluate field Title in type config.Values"),
        ("{{.Name 1}}", "can't give argument to non-function foo"),
        ("{{index .List 7}}", "error calling index: index out of range: 7"),
        ('{{lt 1 "a"}}', "incompatible types for comparison"),
        ("{{$x}}", 'undefined variable "$x"'),
    ],
)
def test_data_that_do_not_fit_are_told(text: str, said: str) -> None:
    with pytest.raises(TemplateFault) as caught:
        parse("t", text).render(DATA)
    assert str(caught.value) == f'template: t: executing "t": {said}'
