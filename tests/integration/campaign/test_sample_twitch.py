"""The sample Twitch answers as Twitch's public documentation says, or the checks would be tested against a fancy."""

from __future__ import annotations

import subprocess
import sys
import time

import httpx
import pytest
from servers import REPOSITORY

from preflight.campaign import sample
from preflight.embedded.process import wait_until
from preflight.embedded.server import free_port
from preflight.embedded.twitch import CLIENT_ID, CLIENT_SECRET, MINUTE_LIMIT, Trouble, limited

CREDENTIALS = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "grant_type": "client_credentials"}
GOOD, BAD = sample.WELL.token, "another"


@pytest.fixture
def client(fake):
    with httpx.Client(base_url=fake.url, trust_env=False) as made:
        yield made


def app_token(client):
    return client.post("/oauth2/token", data=CREDENTIALS).json()["access_token"]


def test_client_credentials_are_granted_a_token(client):
    """Its life is in seconds, its type is bearer."""
    answer = client.post("/oauth2/token", data=CREDENTIALS)

    assert answer.status_code == 200
    assert set(answer.json()) == {"access_token", "expires_in", "token_type"}
    assert answer.json()["token_type"] == "bearer"


@pytest.mark.parametrize(
    ("changed", "status", "message"),
    [
        ({"client_id": BAD}, 400, "invalid client"),
        ({"client_secret": BAD}, 403, "invalid client secret"),
        ({"grant_type": BAD}, 400, "invalid grant type"),
    ],
)
def test_wrong_credentials_are_refused(client, changed, status, message):
    """Which of them is wrong tells the status."""
    answer = client.post("/oauth2/token", data=CREDENTIALS | changed)

    assert (answer.status_code, answer.json()) == (status, {"status": status, "message": message})


@pytest.mark.parametrize("scheme", ["OAuth", "Bearer"])
def test_a_good_token_is_described(client, scheme):
    """Whose it is, for whom it was granted, for what, and for how long."""
    answer = client.get("/oauth2/validate", headers={"Authorization": f"{scheme} {GOOD}"})

    assert answer.status_code == 200
    assert set(answer.json()) == {"client_id", "login", "scopes", "user_id", "expires_in"}
    assert answer.json()["expires_in"] == sample.TOKEN_SECONDS


@pytest.mark.parametrize(
    ("authorization", "message"), [(f"OAuth {BAD}", "invalid access token"), ("", "missing authorization token")]
)
def test_a_bad_token_is_401(client, authorization, message):
    """So is none at all."""
    answer = client.get("/oauth2/validate", headers={"Authorization": authorization})

    assert (answer.status_code, answer.json()) == (401, {"status": 401, "message": message})


def test_an_application_s_token_belongs_to_no_user(client):
    """It can be validated all the same."""
    answer = client.get("/oauth2/validate", headers={"Authorization": f"OAuth {app_token(client)}"})

    assert set(answer.json()) == {"client_id", "scopes", "expires_in"}


def test_the_api_answers_and_says_how_much_is_left(client):
    """A user by login; the limit in points, what is left, and the second in which it starts anew."""
    headers = {"Authorization": f"Bearer {app_token(client)}", "Client-Id": CLIENT_ID}
    answer = client.get("/helix/users", params={"login": "twitch"}, headers=headers)

    assert answer.status_code == 200
    assert answer.json()["data"][0]["login"] == "twitch"
    assert int(answer.headers["Ratelimit-Limit"]) == MINUTE_LIMIT
    assert int(answer.headers["Ratelimit-Remaining"]) < MINUTE_LIMIT
    assert int(answer.headers["Ratelimit-Reset"]) > time.time()


@pytest.mark.parametrize(
    ("authorization", "client_id", "query", "status"),
    [
        (f"Bearer {BAD}", CLIENT_ID, {"login": "twitch"}, 401),
        (f"OAuth {GOOD}", CLIENT_ID, {"login": "twitch"}, 401),
        (f"Bearer {GOOD}", BAD, {"login": "twitch"}, 401),
        (f"Bearer {GOOD}", CLIENT_ID, {}, 400),
    ],
)
def test_the_api_refuses_what_does_not_fit(client, authorization, client_id, query, status):
    """A bad token, the wrong scheme, another application's id, a request for nobody."""
    headers = {"Authorization": authorization, "Client-Id": client_id}
    answer = client.get("/helix/users", params=query, headers=headers)

    assert (answer.status_code, answer.json()["status"]) == (status, status)


def test_other_paths_are_not_found(client):
    """There is nothing else here."""
    assert client.get("/helix/streams").status_code == client.post("/oauth2/revoke").status_code == 404


def test_a_limit_says_when_it_is_over(client, fake):
    """429 with Ratelimit-Reset and Retry-After."""
    fake.troubles["/oauth2/validate"] = limited(7)
    answer = client.get("/oauth2/validate", headers={"Authorization": f"OAuth {GOOD}"})

    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")
    assert int(answer.headers["Ratelimit-Reset"]) > time.time()


@pytest.mark.parametrize(
    ("trouble", "error"),
    [(Trouble(reset=True), httpx.ReadError), (Trouble(garbage=b"no HTTP\r\n\r\n"), httpx.RemoteProtocolError)],
)
def test_it_can_be_rude(client, fake, trouble, error):
    """A connection that is reset, and an answer of another protocol."""
    fake.troubles["/oauth2/validate"] = trouble

    with pytest.raises(error):
        client.get("/oauth2/validate")


def test_it_is_a_program_that_knows_the_sample_and_ends_when_asked(leaves_nothing):
    """The demo starts it on a port of its own."""
    port = free_port()
    command = [sys.executable, "-m", "preflight.embedded.twitch", "--port", str(port)]
    with subprocess.Popen(command, cwd=REPOSITORY, stderr=subprocess.PIPE, text=True) as program:
        url, headers = f"http://127.0.0.1:{port}/oauth2/validate", {"Authorization": f"OAuth {GOOD}"}
        assert wait_until(lambda: _answers(url, headers), 20)
        program.terminate()
        assert program.wait(20) == 0
        assert program.stderr.read() == ""


def _answers(url, headers):
    try:
        return httpx.get(url, headers=headers, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False
