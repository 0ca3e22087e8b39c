"""Secrets are taken out of text, and little else."""

from __future__ import annotations

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from preflight.context import shown
from preflight.redaction import HINTS, PATTERNS, is_secret_name, redact, redact_values, storable

SECRET = "hunter2hunter2"  # a canary: no output may hold it


@pytest.mark.parametrize(
    "text",
    [
        f"redis://:{SECRET}@h/0",
        f"postgresql+psycopg2://u:{SECRET}@h:5432/d is away",
        f"postgresql://u:{SECRET}@{SECRET}@h/d",
        f"postgresql://u:a/{SECRET}@h/d",
        f"https://{SECRET}@sentry/1",
        f"Authorization: Bearer {SECRET}",
        f"authorization: Basic {SECRET}=",
        f'Authorization: Digest username="u", response="{SECRET}"',
        f"{{'Authorization': 'Bearer {SECRET}', 'Accept': '*'}}",
        f"sent Bearer {SECRET}",
        f"Cookie: a=b; session={SECRET}",
        f"password={SECRET}",
        f"PGPASSWORD={SECRET} psql",
        f"db_password: '{SECRET} {SECRET}'",
        f'{{"client_secret": "a\\"{SECRET}"}}',
        f'{{"body": "{{\\"password\\": \\"{SECRET}\\"}}"}}',
        f'password="{SECRET}',
        f"?access_token={SECRET}&x=1",
        f"api-key={SECRET}",
        f"X-Api-Key: {SECRET}",
        f"eyJhbGciOiJIUzI1NiJ9.eyJ{SECRET}.{SECRET}",
        f"host=h user=u password={SECRET} dbname=d",
    ],
)
def test_a_secret_is_masked_wherever_it_stands(text):
    """URLs, headers, assignments, JSON, JSON in JSON, texts that were cut."""
    assert SECRET not in redact(text)
    assert "***" in redact(text)


def test_a_token_of_the_admin_page_keeps_its_public_part():
    """What finds the token in the list of tokens may be read, what lets somebody in may not."""
    assert redact(f"(pft_0123456789abcdef_{'Az_-' * 10}Az9)") == "(pft_0123456789abcdef_***)"


@pytest.mark.parametrize(
    "text",
    [
        "Redis answers in 3 ms",
        "3 tokens are valid",
        "tokens failed: 2 of 5 expired",
        "http://localhost:8000/admin/monitoring",
        "redis://h:6379/0",
        "write to someone@example.org",
        "18 % of / is free",
    ],
)
def test_text_without_a_secret_stays_as_it_is(text):
    """Redaction does not eat messages."""
    assert redact(text) == text


def test_redacted_values_keep_their_shape():
    """Keys named like secrets lose their values whole; others their secrets only."""
    value = {"password": 1, "tokens": [SECRET, {"x": SECRET}], "has_token": True, "n": 1, "url": f"redis://:{SECRET}@h"}

    assert redact_values(value) == {
        "password": "***",
        "tokens": ["***", {"x": "***"}],
        "has_token": True,
        "n": 1,
        "url": "redis://:***@h",
    }


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: pattern.pattern[:40])
@settings(max_examples=30, phases=[Phase.generate])
@given(st.data())
def test_the_quick_look_misses_nothing(pattern, data):
    """Whatever a pattern matches has a hint that it may: without one it would not be tried."""
    assert HINTS.search(data.draw(st.from_regex(pattern)).casefold())


@pytest.mark.parametrize(
    "name", ["PA\u017f\u017fWORD", "to\N{KELVIN SIGN}en", "author\u0130zation", "credent\u0131al", "d\u017fn"]
)
def test_a_name_in_letters_that_match_others_is_a_secret(name):
    """Patterns that ignore case match the long s, the sign of kelvin and both other letters i."""
    assert SECRET not in redact(f"{name}={SECRET}")


@given(st.text())
def test_redacting_twice_is_redacting_once(text):
    """A masked text stays as it is."""
    assert redact(redact(text)) == redact(text)


@given(st.text(st.characters()))
def test_storable_text_can_be_encoded(text):
    """No NUL, no lone surrogate; the length stays."""
    assert "\x00" not in storable(text)
    assert storable(text).encode().decode() == storable(text)
    assert len(storable(text)) == len(text)


@pytest.mark.parametrize(
    "piece",
    ["a-", "password", 'password="', "a://b:", "://a", "token ", "bearer ", "eyJaaaaaaaa.", "cookie:", "\\", "'"],
)
def test_the_cost_grows_with_the_length_and_not_with_its_square(piece):
    """64 KiB made to be hard end before the suite's time limit: the square would take minutes."""
    assert redact(piece * (65_536 // len(piece)))


@pytest.mark.parametrize(
    "name", ["password", "DB_PASSWORD", "apiKey", "api-key", "clientSecret", "access_token", "dsn"]
)
def test_names_of_secrets_are_known(name):
    """By what they contain, in every spelling."""
    assert is_secret_name(name)


def test_what_is_shown_of_a_value_is_short_whole_and_safe():
    """Cut after it was redacted, one line, whatever the value does."""

    class Hostile:
        def __repr__(self) -> str:
            raise RuntimeError

    deep: list[object] = []
    deep.append(deep)

    assert shown(f"postgresql://u:{SECRET * 10}@h/d") == "'postgresql://u:***@h/d'"
    assert shown(Hostile()).startswith("<Hostile")
    assert len(shown("x" * 10_000_000)) == 60
    assert shown(deep)
    assert shown(10**5000)


def test_a_quoted_secret_after_a_header_is_masked():
    """A header's value ends at a quote: it must not take the secret's name and leave the secret."""
    text = redact("""sent Authorization: Basic abcdefgh; then client(secret='hunter2'), {"password": "hunter2"}""")

    assert "hunter2" not in text
    assert "abcdefgh" not in text
