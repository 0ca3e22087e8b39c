"""While Redis or PostgreSQL is away the page says so, lets nobody in by mistake, and comes back by itself."""

from __future__ import annotations

import servers
import sites

from preflight.admin.access import SIGN_IN
from preflight.embedded.process import wait_until
from preflight.reports import migrations

SECONDS = 30.0
SEES = "/api/v1/settings"


def test_nobody_is_let_in_while_the_database_is_away(private_postgresql, shared_valkey, namespace, caplog):
    """Tokens and cookies are 503, strangers learn nothing of the database, open pages are told, and all comes back."""
    migrations.upgrade(private_postgresql.url)
    settings = sites.settings_for(shared_valkey.url, private_postgresql.url, namespace)
    with sites.running(settings) as site, site.caller() as caller, site.person() as person, site.stranger() as stranger:
        assert caller.get("/readyz").json()["schema"] == migrations.head()
        with caller.stream("GET", "/api/v1/events") as stream:
            private_postgresql.kill()
            lines = stream.iter_lines()
            state = next(line for line in lines if line.startswith('data: {"error":'))
            assert "The reports' database 127.0.0.1:" in state

            for client in (caller, person):
                answer = client.get(SEES)
                assert answer.status_code == 503
                assert answer.json()["error"].startswith("Who you are cannot be looked up: the database is away.")
            assert stranger.get(SEES).status_code == 401
            assert stranger.get("/healthz").status_code == 200
            answer = stranger.post(SIGN_IN, data={"token": "pft_0000000000000000_" + "A" * 43})
            assert answer.status_code == 503
            assert settings.database.rpartition(":")[2].partition("/")[0] not in answer.text, "where the database is"
            assert "cannot be" in caplog.text

            private_postgresql.start()
            assert any(line == 'data: {"error":null}' for line in lines)
        assert wait_until(lambda: caller.get(SEES).status_code == 200, SECONDS)
        assert person.get(SEES).status_code == 200
    servers.forget(shared_valkey.url, namespace)


def test_without_redis_reports_are_still_there(private_valkey, database_url):
    """What was stored can be read; a run ends with NO-GO because of `broker`, and its progress is known here."""
    settings = sites.settings_for(private_valkey.url, database_url, "away")
    with sites.running(settings) as site, site.caller() as caller:
        private_valkey.stop()
        assert caller.get("/api/v1/reports").json() == {"reports": [], "next": None}
        ready = caller.get("/readyz")
        assert ready.status_code == 503
        assert "PREFLIGHT_REDIS_URL" in ready.json()["error"]
        assert caller.get("/metrics").status_code == 503

        unknown = caller.get("/api/v1/runs/0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b")
        assert unknown.status_code == 503
        address = caller.post("/api/v1/runs", json={"event_type": "health_sweep", "only": ["disk"]}).json()["address"]
        assert wait_until(lambda: caller.get(address).json().get("state") == "finished", SECONDS)
        ended = caller.get(address).json()
        assert ended["report"]["verdict"] == "NO-GO"
        assert "broker" in [line["name"] for line in ended["checks"] if line["status"] == "error"]
        assert wait_until(lambda: caller.get("/api/v1/reports").json()["reports"], SECONDS)


def test_a_missing_schema_is_not_told_to_strangers(shared_postgresql, shared_valkey, namespace, caplog):
    """That a database was not upgraded is for the log and the command line: strangers read nothing of it."""
    name = f"{namespace}_old"
    database = shared_postgresql.create_database(name, "template1")
    with sites.running(sites.settings_for(shared_valkey.url, database, namespace)) as site, site.stranger() as stranger:
        answer = stranger.post(SIGN_IN, data={"token": "pft_0000000000000000_" + "A" * 43})
        assert answer.status_code == 503
        assert "preflight_" not in answer.text
    assert "Run `preflight db upgrade`" in caplog.text
    shared_postgresql.drop_database(name)
