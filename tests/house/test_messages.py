"""Case U4: the library states facts; only the command line speaks of options, and only the page of its elements."""

from __future__ import annotations

import ast
import pickle
import re
import string
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from inspect import signature
from pathlib import Path

import click
import pytest

import proface_s
from proface_lab.commands.hints import HINTS as LAB_HINTS
from proface_lab.error_codes import LAB_CODES
from proface_s import errors
from proface_s.cli.hints import HINTS, command_line_hint
from proface_s.cli.main import COMMANDS, LAB_COMMANDS, proface
from proface_s.error_codes import ERROR_CODES
from proface_s.errors import NoFaceError, OtherOutputError, ProFaceError, UsageError
from proface_s.hints import PLAIN_HINTS, hinted
from proface_s.web.hints import HINTS as PAGE_HINTS
from proface_s.web.hints import page_hint

SOURCE = Path(proface_s.__file__).parents[1]
PACKAGES = ("proface_s", "proface_lab")
SURFACES = ("proface_s/cli/", "proface_lab/commands/")
PAGE = "proface_s/web/"
PAGE_ELEMENTS = re.compile(r"\b(the page|buttons?|click|tick|checkbox|menu)\b", re.IGNORECASE)
NO_MESSAGES = {  # texts that nobody is shown
    ("proface_lab/evaluation/report/plots.py", "--"): "the style of a line",
    ("proface_lab/evaluation/measures/quality.py", "proface evaluation"): "part of a seed",
    ("proface_lab/evaluation/report/report.py", "--always"): "an option of git",
    ("proface_lab/evaluation/report/report.py", "--dirty=+"): "likewise",
    ("proface_lab/evaluation/report/report.py", "--abbrev=10"): "likewise",
    ("proface_lab/evaluation/report/report.py", "--exclude=*"): "likewise",
    ("proface_lab/evaluation/report/report.py", "---|"): "a table in Markdown",
}
DASHES = "-----"  # armour of key files
ERRORS = {
    name: value for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, ProFaceError)
}


@cache
def modules() -> dict[str, ast.Module]:
    """Return the syntax tree of every module of both packages, by its path."""
    paths = sorted(path for package in PACKAGES for path in (SOURCE / package).rglob("*.py"))
    return {path.relative_to(SOURCE).as_posix(): ast.parse(path.read_text(encoding="utf-8")) for path in paths}


def texts() -> Iterator[tuple[str, int, str]]:
    """Every string of the library outside the command line that is no docstring."""
    for name, tree in modules().items():
        if name.startswith(SURFACES):
            continue
        described = {
            id(body[0].value)
            for node in ast.walk(tree)
            if (body := getattr(node, "body", None)) and isinstance(body, list) and isinstance(body[0], ast.Expr)
        } | {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in described:
                yield name, node.lineno, node.value


def calls(package: str = "") -> Iterator[tuple[str, ast.Call]]:
    """Every call in the modules whose paths begin with ``package``, with the module's path."""
    for name, tree in modules().items():
        if name.startswith(package):
            for node in ast.walk(tree):
                if isinstance(node, ast.Call):
                    yield name, node


@cache
def given_codes(package: str) -> Mapping[str, list[set[str]]]:
    """Codes that a package gives to errors -> the names of the other keywords, for each place where it does."""
    found = defaultdict(list)
    for _, call in calls(f"{package}/"):
        for keyword in call.keywords:
            if keyword.arg == "code" and isinstance(keyword.value, ast.Constant):
                found[keyword.value.value].append({each.arg for each in call.keywords if each.arg})
    return found


def class_codes() -> set[str]:
    """Codes of the classes of errors."""
    return {each.code for each in ERRORS.values()}


def commands() -> dict[str, click.Command]:
    """Return every command by its name."""
    found = {name: proface.get_command(click.Context(proface), name) for name in (*COMMANDS, *LAB_COMMANDS)}
    return {name: command for name, command in found.items() if command is not None}


def options(names: tuple[str, ...]) -> set[str]:
    """Return all options of some commands."""
    return {
        text
        for name in names
        for param in commands()[name].params
        if isinstance(param, click.Option)
        for text in (*param.opts, *param.secondary_opts)
    }


def test_no_message_of_the_library_speaks_command_line() -> None:
    """Flags, and the program's name followed by a command."""
    wrong = [
        f"{name}:{line}: {text!r}"
        for name, line, text in texts()
        if ("--" in text or "proface " in text or "`proface" in text)
        and not text.startswith(DASHES)
        and (name, text) not in NO_MESSAGES
    ]
    assert not wrong, "\n".join(wrong)
    assert {(name, text) for name, _, text in texts()} >= set(NO_MESSAGES), "an exception that is no longer needed"


def test_no_message_of_the_library_speaks_of_the_page() -> None:
    wrong = [f"{name}:{line}: {text!r}" for name, line, text in texts() if PAGE_ELEMENTS.search(text)]
    assert not [each for each in wrong if not each.startswith(PAGE)]
    assert [each for each in wrong if each.startswith(PAGE)], "the test would notice"


def test_no_error_takes_a_hint() -> None:
    """A message, and keywords: no class takes a hint, and no call passes one, also not in place of a keyword."""
    for each in ERRORS.values():
        parameters = signature(each).parameters
        assert [name for name, each in parameters.items() if each.kind is each.POSITIONAL_OR_KEYWORD] == ["message"]
        assert "hint" not in parameters
    wrong = [
        f"{name}:{call.lineno}"
        for name, call in calls()
        if isinstance(call.func, ast.Name)
        and call.func.id in {*ERRORS, "NoFaceSamplesError", "UneditableJpegError"}
        and (len(call.args) != 1 or any(keyword.arg == "hint" for keyword in call.keywords))
    ]
    assert not wrong


def test_only_surfaces_give_errors_notes() -> None:
    wrong = {
        f"{name}:{call.lineno}"
        for name, call in calls()
        if (isinstance(call.func, ast.Attribute) and call.func.attr == "add_note")
        or (isinstance(call.func, ast.Name) and call.func.id == "hinted")
        if not name.startswith((*SURFACES, PAGE, "proface_s/hints.py"))
    }
    assert not wrong


def test_every_code_is_listed_and_every_listed_code_is_given() -> None:
    product, lab = set(given_codes("proface_s")), set(given_codes("proface_lab"))
    assert product | class_codes() == set(ERROR_CODES)
    assert lab - set(ERROR_CODES) == set(LAB_CODES)
    assert not set(LAB_CODES) & set(ERROR_CODES)
    assert len(class_codes()) == len(ERRORS), "each class has a code of its own"


def test_codes_are_written_out_where_they_are_given() -> None:
    """Or else they are passed on with the rest of another error."""
    wrong = [
        f"{name}:{keyword.value.lineno}"
        for name, call in calls()
        for keyword in call.keywords
        if keyword.arg == "code" and not isinstance(keyword.value, ast.Constant)
        if not (isinstance(keyword.value, ast.Attribute) and keyword.value.attr == "code")
    ]
    assert not [each for each in wrong if not each.startswith((PAGE, "proface_s/cli/"))]


@pytest.mark.parametrize("codes", [ERROR_CODES, LAB_CODES], ids=["product", "lab"])
def test_codes_are_words_with_one_meaning(codes: Mapping[str, str]) -> None:
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", code) for code in codes)
    assert len(set(codes.values())) == len(codes)
    assert all(re.fullmatch(r"[A-Z].+\.", meaning) for meaning in codes.values())


@pytest.mark.parametrize("table", [PLAIN_HINTS, HINTS, PAGE_HINTS], ids=["plain", "command line", "page"])
def test_hints_are_those_of_codes_and_facts_that_exist(table: Mapping[str, str]) -> None:
    assert set(table) <= set(ERROR_CODES)
    check_facts(table, "proface_s")


def test_hints_of_the_lab_are_those_of_codes_and_facts_that_exist() -> None:
    assert set(LAB_HINTS) <= set(LAB_CODES)
    check_facts(LAB_HINTS, "proface_lab")


def check_facts(table: Mapping[str, str], package: str) -> None:
    for code, hint in table.items():
        wanted = {field for _, field, _, _ in string.Formatter().parse(hint) if field is not None}
        for place in given_codes(package).get(code, []):
            assert wanted <= place, code
        assert not wanted or code not in class_codes()


def test_hints_name_options_and_commands_that_exist() -> None:
    check_options(HINTS, COMMANDS)
    check_options(LAB_HINTS, LAB_COMMANDS)


def check_options(table: Mapping[str, str], names: tuple[str, ...]) -> None:
    known = options(names)
    for code, hint in table.items():
        without_pip = hint.replace("pip install", "")
        assert set(re.findall(r"(?<![\w-])--?[a-zA-Z][\w-]*", without_pip)) <= known, code
        assert set(re.findall(r"`proface (\w+)", hint)) <= set(names), code


def test_hints_of_the_page_name_no_option() -> None:
    for text in PAGE_HINTS.values():
        assert "--" not in text
        assert "proface " not in text


@pytest.mark.parametrize("hint_of", [command_line_hint, page_hint])
def test_a_hint_is_found_by_the_code_and_filled_with_facts(hint_of: object) -> None:
    assert callable(hint_of)
    assert hint_of(UsageError("no", code="unknown-style", known="blur, solid")) == "styles: blur, solid"
    assert hint_of(UsageError("no", code="strength-range", style="blur", lowest=1.5, highest=9.0, unit="%", default=2))
    assert hint_of(ProFaceError("it failed")) is None
    assert hint_of(ProFaceError("it failed", code="unheard-of")) is None
    assert hint_of(UsageError("of a plug-in", code="unknown-style")) is None


@pytest.mark.parametrize("hint_of", [command_line_hint, page_hint])
def test_a_surface_may_give_an_error_of_its_own_a_hint(hint_of: object) -> None:
    assert callable(hint_of)
    assert hint_of(hinted(NoFaceError("no"), "try https://h/x?token=1")) == "try https://h/x?***"
    assert hint_of(hinted(ProFaceError("no"), None)) is None


def test_the_command_line_and_the_page_say_the_same_thing_in_their_own_words() -> None:
    error = NoFaceError("no face")
    assert "--box" in str(command_line_hint(error))
    assert "draw a box" in str(page_hint(error))


def test_an_error_keeps_its_code_and_facts_on_its_way() -> None:
    """Workers send errors to other processes, and the words for a file are put before a message."""
    error = UsageError("there is none", code="unknown-style", known="blur, https://user:word@host/x")
    assert error.facts == {"known": "blur, https://***@host/x"}
    output = OtherOutputError("other", reason="why")
    for copied in (pickle.loads(pickle.dumps(error)), error.reworded("a.png: there is none")):
        assert isinstance(copied, UsageError)
        assert (copied.code, copied.facts) == (error.code, error.facts)
        assert str(copied) == copied.message
    assert error.reworded("x https://h/?a=b").message == "x https://h/?***"
    assert error.message == "there is none"
    assert (output.reworded("x").reason, output.reworded("x").code) == ("why", "other-output")


def test_each_class_has_a_code_that_single_errors_refine() -> None:
    assert UsageError("no").code == "usage"
    assert UsageError("no", code="bad-box").code == "bad-box"
    assert UsageError.code == "usage"
    assert all(import_module("proface_s").__dict__.get(name, each) is each for name, each in ERRORS.items())
