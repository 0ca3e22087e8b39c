"""`preflight admin`: the page as a process, its links and its tokens."""

from __future__ import annotations

import re
import signal

import httpx
import pytest

from preflight.embedded.process import wait_until
from preflight.embedded.server import free_port

SECONDS = 30
SEES = "/api/v1/settings"


@pytest.fixture
def settings(shared_valkey, database_url):
    """Return the settings of a page that is not running."""
    return {
        "PREFLIGHT_REDIS_URL": shared_valkey.url,
        "PREFLIGHT_DATABASE_URL": database_url,
        "PREFLIGHT_ADMIN_PORT": str(free_port()),
    }


def answers(url):
    """Return whether a page answers."""
    try:
        return httpx.get(f"{url}/healthz").status_code == 200
    except httpx.TransportError:
        return False


def test_the_page_is_served_until_it_is_asked_to_stop(preflight, start, settings):
    """It says where it is; a link lets in once, a token always; SIGTERM and Ctrl-C end it with 0."""
    url = f"http://127.0.0.1:{settings['PREFLIGHT_ADMIN_PORT']}"
    for number in (signal.SIGTERM, signal.SIGINT):
        page = start("admin", settings=settings)
        assert wait_until(lambda: answers(url), SECONDS)
        link = preflight("admin", "link", "--role", "viewer", **settings).stdout.strip()
        assert link.startswith(f"{url}/admin/sign-in/")
        with httpx.Client() as browser:
            assert browser.get(link).status_code == 303
            assert browser.get(url + SEES).status_code == 200
        assert httpx.get(link).status_code == 401
        page.send_signal(number)
        out, err = page.communicate()
        assert page.returncode == 0, err
        assert out == ""
        assert f"The admin page is at {url}. Ctrl-C stops it." in err


def test_a_token_is_shown_once_listed_and_revoked(preflight, settings):
    """Stdout holds the token alone; the list never does."""
    made = preflight("admin", "token", "create", "grafana", "--role", "viewer", **settings)
    assert re.fullmatch(r"pft_[0-9a-f]{16}_[\w-]{43}\n", made.stdout)
    assert made.stderr == ""

    again = preflight("admin", "token", "create", "grafana", **settings)
    assert (again.returncode, again.stdout) == (2, "")
    assert again.stderr == (
        "preflight: A token is called 'grafana' already: revoke it first, or choose another name.\n"
    )

    assert preflight("admin", "token", "revoke", "grafana", **settings).stdout == "grafana is revoked.\n"
    listed = preflight("admin", "token", "list", **settings).stdout
    assert re.fullmatch(r"grafana  viewer  made [\d: -]{16}  revoked [\d: -]{16}\n", listed)
    gone = preflight("admin", "token", "revoke", "grafana", **settings)
    assert gone.returncode == 2
    assert gone.stderr.startswith("preflight: No token is called 'grafana'.")


@pytest.mark.parametrize("words", [("admin",), ("admin", "link"), ("admin", "token", "list")])
def test_without_a_system_both_ways_out_are_named(preflight, words):
    """One line, and 2."""
    done = preflight(*words)

    assert done.returncode == 2
    assert "`preflight up`" in done.stderr


def test_a_missing_schema_says_what_to_do(preflight, shared_postgresql, settings):
    """A database that was not upgraded is told in one line."""
    empty = shared_postgresql.create_database("cli_admin_empty", "template1")
    done = preflight("admin", "token", "list", **settings | {"PREFLIGHT_DATABASE_URL": empty})
    shared_postgresql.drop_database("cli_admin_empty")

    assert done.returncode == 1
    assert done.stderr.endswith("Run `preflight db upgrade`.\n")


def test_an_address_that_is_taken_is_one_line(preflight, shared_valkey, settings):
    """The port is named, and what to do about it."""
    taken = shared_valkey.url.rpartition(":")[2].partition("/")[0]
    done = preflight("admin", **settings | {"PREFLIGHT_ADMIN_PORT": taken})

    assert done.returncode == 2
    line = f"preflight: The admin page cannot listen on 127.0.0.1:{taken} (Address already in use): free it, or set"
    assert line in done.stderr


def test_links_lead_to_where_people_reach_the_page(preflight, home, settings):
    """A public address wins over where the page listens; of the embedded system the port is known."""
    public = preflight("admin", "link", **settings | {"PREFLIGHT_ADMIN_URL": "https://preflight.example.org/"})
    embedded = preflight("admin", "link", home=home)

    assert public.stdout.startswith("https://preflight.example.org/admin/sign-in/")
    assert re.match(r"http://127\.0\.0\.1:\d+/admin/sign-in/[\w-]{43}\n", embedded.stdout)
