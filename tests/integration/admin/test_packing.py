"""Answers come packed to who can unpack them, and packing tells nothing about what is in them."""

from __future__ import annotations

import gzip
import re

import pytest

PAGE = {"Accept": "text/html"}
TOKEN = re.compile(rb'name="csrf" value="([^"]+)"')


@pytest.mark.parametrize("path", ["/admin/monitoring", "/admin/static/live.js", "/api/v1/openapi.json"])
def test_pages_files_and_json_come_packed(person, path):
    """A browser asks for it, and caches are told that there are two forms."""
    with person.stream("GET", path, headers=PAGE | {"Accept-Encoding": "gzip"}) as answer:
        sent = b"".join(answer.iter_raw())

    assert answer.headers["content-encoding"] == "gzip"
    assert "Accept-Encoding" in answer.headers["vary"]
    assert len(sent) * 2 < len(gzip.decompress(sent))


def test_who_cannot_unpack_gets_it_as_it_is(person):
    """A client that names no encoding is not guessed at."""
    with person.stream("GET", "/admin/monitoring", headers=PAGE | {"Accept-Encoding": "identity"}) as answer:
        assert b"<!doctype html>" in b"".join(answer.iter_raw())[:200]
    assert "content-encoding" not in answer.headers


def test_events_are_never_packed(person):
    """They would be held back until there is enough to pack."""
    with person.stream("GET", "/api/v1/events", headers={"Accept-Encoding": "gzip"}) as answer:
        assert "content-encoding" not in answer.headers


def test_the_token_of_a_page_looks_different_each_time_and_stays_the_same(person):
    """Else the length of packed pages would tell it, letter by letter, to who can choose a part of their address."""
    shown = {TOKEN.search(person.get("/admin/runs", headers=PAGE).content)[1] for _ in range(5)}

    assert len(shown) == 5
    for one in shown:
        answer = person.post("/api/v1/runs", json={}, headers={"X-CSRF-Token": one})
        assert answer.status_code == 422, "it came as far as the arguments"
