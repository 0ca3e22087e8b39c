"""The words of the command line, right and wrong ones."""

from __future__ import annotations

import click
import pytest

from preflight.cli import answer
from preflight.cli.arguments import Assignment, JsonDocument, Parameter, params_of


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("disk.path=/var", "/var"),
        ("disk.path=10", 10),
        ("disk.path=1.5", 1.5),
        ("disk.path=true", True),
        ("disk.path=null", None),
        ('disk.path=["a"]', ["a"]),
        ("disk.path=a=b.c", "a=b.c"),
        ("disk.path=", ""),
        ("disk.path={broken", "{broken"),
        ("disk.path=" + "[" * 100_000, "[" * 100_000),
    ],
)
def test_a_parameter_is_json_if_it_can_be_and_else_text(text, value):
    """Numbers, booleans, lists and null keep their type; everything else is the text itself."""
    assert Parameter()(text) == ("disk", "path", value)


@pytest.mark.parametrize("text", ["", "disk", "disk.path", "disk=1", ".path=1", "disk.=1", "a.b.c=1", "=1"])
def test_a_parameter_of_another_form_is_refused_with_the_form(text):
    """The message shows how a parameter is written."""
    with pytest.raises(click.BadParameter, match=r"must look like CHECK\.KEY=VALUE, as disk\.path=/var"):
        Parameter()(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("timeout=3", ("timeout", 3)),
        ("enabled=false", ("enabled", False)),
        ("cache_ttl=null", ("cache_ttl", None)),
        ("path=/var", ("path", "/var")),
        ("query=a=b", ("query", "a=b")),
        ("path=", ("path", "")),
    ],
)
def test_an_assignment_is_a_key_and_a_value_that_is_json_or_text(text, found):
    """What `preflight checks set` takes."""
    assert Assignment()(text) == found


@pytest.mark.parametrize("text", ["", "timeout", "=3", " =3"])
def test_an_assignment_of_another_form_is_refused_with_the_form(text):
    """The message shows how it is written."""
    with pytest.raises(click.BadParameter, match="must look like KEY=VALUE, as timeout=3"):
        Assignment()(text)


def test_parameters_are_gathered_by_check_and_the_last_one_wins():
    """A key given twice has its last value."""
    assert params_of([("a", "x", 1), ("b", "x", 2), ("a", "y", 3), ("a", "x", 4)]) == {
        "a": {"x": 4, "y": 3},
        "b": {"x": 2},
    }


def test_metadata_is_read_from_a_file_on_request(tmp_path):
    """@FILE stands for the file's text."""
    (tmp_path / "metadata.json").write_text('{"reason": "test"}')

    assert JsonDocument()(f"@{tmp_path}/metadata.json") == {"reason": "test"}


@pytest.mark.parametrize("wrong", ["@{0}/none", "@{0}", "@{0}/binary", "{{", "[" * 100_000, ""])
def test_metadata_that_cannot_be_read_is_one_line(tmp_path, capsys, wrong):
    """A missing file, a directory, a binary file and broken or bottomless JSON end with 2 and say what is wrong."""
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")

    assert answer(["run", "poll_launch", "--metadata", wrong.format(tmp_path)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("preflight: Invalid value for '--metadata': ")
    assert said.err.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["rnu"], "Did you mean 'run'?"),
        (["run", "poll_launch", "--fromat", "json"], "Did you mean '--format'?"),
        (["db", "upgarde"], "Did you mean 'upgrade'?"),
        (["run", "poll_launch", "--format", "jsn"], "'human', 'json', 'junit', 'github'"),
        (["run", "poll_launch", "--mode", "Full"], "'full', 'light'"),
        (["run"], "Missing argument 'EVENT'"),
        (["reports", "--limit", "0"], "range 1<=x<=1000"),
        (["report", "../.."], "not a valid UUID"),
    ],
)
def test_a_wrong_word_ends_with_2_and_one_line_that_names_the_right_one(capsys, words, hint):
    """Unknown commands and options offer the nearest, wrong values say what is allowed, and all say where help is."""
    assert answer(words) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert hint in said.err
    assert "--help`" in said.err
    assert said.err.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["run", "Poll\x1b[2J"], "event_type must be"),
        (["run", "poll_launch", "--campaign", "x"], "campaign_id must be a UUID"),
        (["run", "poll_launch", "--triggered-by", "x"], "triggered_by must be a UUID"),
        (["run", "poll_launch", "--streamer", "é"], "streamer_ids must hold ids"),
        (["run", "poll_launch", "--timeout", "nan"], "timeout must be seconds"),
        (["run", "poll_launch", "--timeout", "-1"], "timeout must be seconds"),
        (["run", "poll_launch", "--metadata", "[1]"], "metadata must be a JSON object"),
        (["run", "poll_launch", "--metadata", '{"a": NaN}'], "metadata must be JSON"),
    ],
)
def test_a_wrong_run_is_refused_before_anything_happens(capsys, words, reason):
    """What `run()` refuses, the command refuses with 2 and the same line; no escape reaches the terminal."""
    assert answer(words) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(f"preflight: {reason}")
    assert said.err.count("\n") == 1
    assert "\x1b" not in said.err


@pytest.mark.parametrize("words", [[], ["db"]])
def test_no_command_shows_help_on_stderr_and_ends_with_2(capsys, words):
    """A command line that asks nothing is not a success."""
    assert answer(words) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "Usage: preflight" in said.err


def test_help_and_version_go_to_stdout(capsys):
    """What was asked for is on stdout."""
    assert answer(["--help"]) == 0
    assert answer(["run", "--help"]) == 0
    assert answer(["--version"]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    assert "preflight 0." in said.out
