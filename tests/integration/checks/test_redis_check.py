"""The check `redis` against real servers and misbehaving peers."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest
from pydantic import SecretStr

from preflight.checks.redis import RedisCheck
from preflight.types import Status


def check_of(url, **details):
    return RedisCheck(url=SecretStr(url), timeout=1.5, **details)


def test_it_passes_on_a_healthy_server_and_leaves_nothing(ask, admin, redis_url, namespace):
    """A write, a read and an expiry are proved on a key that is gone afterwards."""
    result = ask(check_of(redis_url, namespace=namespace))

    assert result.status is Status.PASSED
    assert "answers, and keeps what is written" in result.message
    assert admin.keys(f"{namespace}:*") == []


def test_a_full_server_fails(ask, admin, redis_url):
    """A server at its memory limit answers PING and refuses writes: that is a no."""
    admin.config_set("maxmemory-policy", "noeviction")
    admin.config_set("maxmemory", "1mb")

    result = ask(check_of(redis_url))

    assert result.status is Status.FAILED
    assert "is full" in result.message
    assert "maxmemory" in result.remediation


def test_a_read_only_replica_fails(ask, admin, redis_url, refused_port):
    """A replica answers PING and refuses writes: that is a no."""
    admin.replicaof("127.0.0.1", refused_port)

    result = ask(check_of(redis_url))

    assert result.status is Status.FAILED
    assert "read-only replica" in result.message
    assert "primary" in result.remediation


def test_a_server_without_free_connections_fails(ask, admin, redis_url):
    """A server at its limit of clients says so, and so does the check."""
    admin.config_set("maxclients", 1)

    result = ask(check_of(redis_url))

    assert result.status is Status.FAILED
    assert "no connection left" in result.message


def test_a_wrong_password_fails_and_is_not_shown(ask, valkey):
    """The message says that the password is wrong and shows neither the wrong nor the right one."""
    result = ask(check_of(f"redis://:wrong-canary@127.0.0.1:{valkey.port}/0"))

    assert result.status is Status.FAILED
    assert "refuses the user or password" in result.message
    assert "canary" not in repr(dataclasses.asdict(result))


def test_a_missing_password_fails(ask, valkey):
    """A server that asks for a password which the URL does not hold refuses."""
    assert "refuses the user or password" in ask(check_of(f"redis://127.0.0.1:{valkey.port}/0")).message


def test_a_user_without_permission_fails_and_its_key_expires(ask, admin, valkey, namespace):
    """A probe key that cannot be deleted is left with a time to live."""
    admin.acl_setuser("limited", enabled=True, passwords=["+pw"], keys=["*"], commands=["+@all", "-del"])

    result = ask(check_of(f"redis://limited:pw@127.0.0.1:{valkey.port}/0", namespace=namespace))

    assert result.status is Status.FAILED
    assert "denies this user" in result.message
    [key] = admin.keys(f"{namespace}:probe:*")
    assert 0 < admin.pttl(key) <= 5000


@pytest.mark.parametrize(
    ("peer", "message"),
    [
        ("garbage_port", "is not a Redis"),
        ("silent_port", "did not answer in time"),
        ("dripping_port", "did not answer in time"),
        ("refused_port", "cannot be reached"),
        ("hanging_up_port", "cannot be reached"),
        ("resetting_port", "cannot be reached"),
    ],
)
def test_a_peer_that_is_no_redis_fails_with_its_own_message(ask, request, peer, message):
    """Whatever the peer does, the check ends in time and says what was met and what to do."""
    result = ask(check_of(f"redis://127.0.0.1:{request.getfixturevalue(peer)}/0"))

    assert result.status is Status.FAILED
    assert message in result.message
    assert result.remediation


def test_a_server_without_tls_is_told_apart(ask, garbage_port):
    """rediss:// to a server that does not speak TLS is not called unreachable."""
    result = ask(check_of(f"rediss://127.0.0.1:{garbage_port}/0"))

    assert result.status is Status.FAILED
    assert "does not speak TLS" in result.message


def test_an_unknown_host_fails(ask):
    """A name without an address is a failure that names the host."""
    result = ask(check_of("redis://redis.invalid:6379/0"))

    assert result.status is Status.FAILED
    assert "redis.invalid:6379" in result.message


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (b"+OK\r\n", "does not keep what is written"),
        (b"-LOADING Redis is loading the dataset in memory\r\n", "still loading"),
        (b"-MISCONF Errors writing to the AOF file: No space left on device\r\n", "No space left on device"),
    ],
)
def test_what_a_server_in_trouble_says_is_passed_on(ask, peers, reply, message):
    """A peer that gives every command the same reply: one that forgets, one that loads, one with a full disk."""

    async def replying(reader, writer):
        while chunk := await reader.read(65536):
            writer.write(reply * chunk.count(b"*"))
            await writer.drain()
            await asyncio.sleep(0)

    result = ask(check_of(f"redis://127.0.0.1:{peers(replying)}/0"))

    assert result.status is Status.FAILED
    assert message in result.message
    assert result.remediation


def test_every_documented_answer_is_given(not_given):
    """The page of the check shows no answer that these tests have not met."""
    assert not_given(RedisCheck) == []
