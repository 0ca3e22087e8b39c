"""A sample Twitch, which the demo's checks and the tests ask: it answers as Twitch's public documentation says.

`python -m preflight.embedded.twitch --port N`. Described at https://dev.twitch.tv/docs/authentication and .../docs/api.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import dataclasses
import json
import os
import secrets
import signal
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from preflight.embedded.server import HOST

CLIENT_ID, CLIENT_SECRET = "sample-client", "sample-client-secret"
APP_TOKEN_SECONDS = 5_000_000
MINUTE_LIMIT = 800

Headers = Mapping[str, str]
Body = Mapping[str, Any]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Trouble:
    """How an endpoint misbehaves: it does something `first`, then answers a status, or garbage, or hangs up rudely."""

    first: Callable[[], object] = bool
    status: int = 0
    headers: Headers = dataclasses.field(default_factory=dict)
    garbage: bytes = b""
    reset: bool = False


def limited(seconds: int, *, retry_after: bool = True) -> Trouble:
    """Return the trouble of who asks too often: 429, and when the limit is over."""
    headers = {"Ratelimit-Remaining": "0", "Ratelimit-Reset": str(int(time.time()) + seconds)}
    return Trouble(status=429, headers=headers | ({"Retry-After": str(seconds)} if retry_after else {}))


class Twitch:
    """The server's state, which tests switch and count.

    `tokens` are those of users, with the seconds that each has left. `troubles` are by path, or by a user's token.
    """

    def __init__(self, tokens: Mapping[str, int], port: int = 0) -> None:
        """Listen on a port of 127.0.0.1, a free one if it is 0; serve with `running`."""
        self.tokens = dict(tokens)
        self.troubles: dict[str, Trouble] = {}
        self.asked: collections.Counter[str] = collections.Counter()
        self.at_once = self.most_at_once = 0
        self._app_tokens: set[str] = set()
        self._lock = threading.Lock()
        self._server = _Server((HOST, port), type("Bound", (_Handler,), {"twitch": self}))

    @property
    def url(self) -> str:
        """The base of every address, of the authorization server as of the API."""
        return f"http://{HOST}:{self._server.server_address[1]}"

    def serve(self) -> None:
        """Answer until `stop`."""
        self._server.serve_forever(poll_interval=0.05)

    def stop(self) -> None:
        """End `serve` and let the port go."""
        self._server.shutdown()
        self._server.server_close()

    @contextlib.contextmanager
    def running(self) -> Iterator[Twitch]:
        """Serve in a thread for the length of the block."""
        thread = threading.Thread(target=self.serve, name="sample-twitch")
        thread.start()
        try:
            yield self
        finally:
            self.stop()
            thread.join()

    @contextlib.contextmanager
    def counted(self, path: str, authorization: str) -> Iterator[Trouble | None]:
        """Count a request while it is answered, and yield the trouble that there is with its token or endpoint."""
        with self._lock:
            self.asked[path] += 1
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            yield self.troubles.get(authorization.partition(" ")[2]) or self.troubles.get(path)
        finally:
            with self._lock:
                self.at_once -= 1

    def token(self, form: Mapping[str, str]) -> tuple[int, Body]:
        """Grant an application's token for its client credentials."""
        if form.get("grant_type") != "client_credentials":
            return 400, {"status": 400, "message": "invalid grant type"}
        if form.get("client_id") != CLIENT_ID:
            return 400, {"status": 400, "message": "invalid client"}
        if form.get("client_secret") != CLIENT_SECRET:
            return 403, {"status": 403, "message": "invalid client secret"}
        token = secrets.token_hex(15)
        self._app_tokens.add(token)
        return 200, {"access_token": token, "expires_in": APP_TOKEN_SECONDS, "token_type": "bearer"}

    def validate(self, authorization: str) -> tuple[int, Body]:
        """Say whose a token is and how long it lives."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() not in {"oauth", "bearer"}:
            return 401, {"status": 401, "message": "missing authorization token"}
        if token in self._app_tokens:
            return 200, {"client_id": CLIENT_ID, "scopes": [], "expires_in": APP_TOKEN_SECONDS}
        if token not in self.tokens:
            return 401, {"status": 401, "message": "invalid access token"}
        user = {"login": "sample_user", "user_id": "141981764", "scopes": ["channel:manage:polls"]}
        return 200, {"client_id": CLIENT_ID, **user, "expires_in": self.tokens[token]}

    def users(self, authorization: str, client_id: str, query: Mapping[str, str]) -> tuple[int, Body]:
        """Return the user who is asked for."""
        scheme, _, token = authorization.partition(" ")
        if scheme != "Bearer" or token not in {*self._app_tokens, *self.tokens}:
            return 401, {"error": "Unauthorized", "status": 401, "message": "Invalid OAuth token"}
        if client_id != CLIENT_ID:
            message = "Client ID and OAuth token do not match"
            return 401, {"error": "Unauthorized", "status": 401, "message": message}
        login = query.get("login", "")
        if not login and "id" not in query:
            message = 'The parameter "login" or "id" is required'
            return 400, {"error": "Bad Request", "status": 400, "message": message}
        return 200, {"data": [{"id": query.get("id", "12826"), "login": login, "display_name": login, "type": ""}]}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    #: The library's 5 let the sixth of many that come at once wait for a second.
    request_queue_size = 128


class _Handler(BaseHTTPRequestHandler):
    """One connection. Requests are answered one after the other and the connection is kept, as Twitch does."""

    twitch: Twitch
    protocol_version = "HTTP/1.1"
    timeout = 30
    # A head and a body in two packets would wait for each other's acknowledgement.
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_GET(self) -> None:  # the library names it
        """Answer /oauth2/validate and /helix/users."""
        parts = urlsplit(self.path)
        authorization = self.headers.get("Authorization", "")
        if parts.path == "/oauth2/validate":
            self._answer(parts.path, lambda: self.twitch.validate(authorization))
        elif parts.path == "/helix/users":
            client, query = self.headers.get("Client-Id", ""), _single(parts.query)
            self._answer(parts.path, lambda: self.twitch.users(authorization, client, query), _allowance())
        else:
            self._send(404, {"error": "Not Found", "status": 404, "message": ""})

    def do_POST(self) -> None:  # the library names it
        """Answer /oauth2/token."""
        form = _single(self.rfile.read(int(self.headers.get("Content-Length", 0))).decode(errors="replace"))
        if self.path == "/oauth2/token":
            self._answer(self.path, lambda: self.twitch.token(form))
        else:
            self._send(404, {"error": "Not Found", "status": 404, "message": ""})

    def _answer(self, path: str, answer: Callable[[], tuple[int, Body]], headers: Headers | None = None) -> None:
        with self.twitch.counted(path, self.headers.get("Authorization", "")) as trouble:
            if trouble is None or not self._misbehaved(trouble):
                status, body = answer()
                self._send(status, body, headers)

    def _misbehaved(self, trouble: Trouble) -> bool:
        """Make trouble, and return whether that was an answer."""
        trouble.first()
        if trouble.status:
            self._send(trouble.status, {"status": trouble.status, "message": "trouble"}, trouble.headers)
        elif trouble.garbage:
            self.wfile.write(trouble.garbage)
            self.close_connection = True
        elif trouble.reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            os.close(self.connection.detach())  # the library would say goodbye first
        return bool(trouble.status or trouble.garbage or trouble.reset)

    def _send(self, status: int, body: Body, headers: Headers | None = None) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *_: Any) -> None:  # noqa: A002  # the library names it
        """Say nothing: requests hold tokens."""


def _single(text: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(text).items()}


def _allowance() -> Headers:
    reset = str(int(time.time()) + 60)
    return {
        "Ratelimit-Limit": str(MINUTE_LIMIT),
        "Ratelimit-Remaining": str(MINUTE_LIMIT - 1),
        "Ratelimit-Reset": reset,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the port and serve the sample's tokens until SIGTERM or SIGINT."""
    from preflight.campaign.sample import TOKENS

    parser = argparse.ArgumentParser(description="A sample Twitch that knows the tokens of the sample campaigns.")
    parser.add_argument("--port", type=int, required=True, help="TCP port on 127.0.0.1")
    twitch = Twitch(TOKENS, parser.parse_args(arguments).port)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with twitch.running():
        stop.wait()


if __name__ == "__main__":
    main()
