"""The pack `campaign` through a real worker: the sample's runs, one execution for a thousand, no secret anywhere."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator

import pytest
import servers
from acceptance.processes import REPOSITORY, eventually
from acceptance.trial import Trial
from pydantic import SecretStr

from preflight.campaign import sample
from preflight.embedded import twitch
from preflight.embedded.twitch import Trouble, Twitch
from preflight.reports.store import ReportFilter
from preflight.schemas import upgrade

EVENT = {"gamification_event_id": str(sample.GROUP_EVENT)}
PACK = ("twitch_api", "tokens", "vtt_connection", "cooldown", "gamification_config")
KEY = sample.new_key()
#: What no output may hold: streamers' tokens, the client's secret, the key.
CANARIES = ("sample-token", twitch.CLIENT_SECRET, KEY, "Bearer ", "OAuth ")


@pytest.fixture(scope="module")
def fake() -> Iterator[Twitch]:
    with Twitch(sample.TOKENS).running() as running:
        yield running


@pytest.fixture(scope="module")
def system(shared_valkey, shared_postgresql, tmp_path_factory, fake) -> Iterator[Trial]:
    """Yield a system with the pack, its sample and one worker."""
    url = shared_postgresql.create_database(f"t{secrets.token_hex(6)}")
    upgrade(url, ["campaign"])
    sample.install(url, SecretStr(KEY))
    trial = Trial(
        tmp_path_factory.mktemp("campaign"),
        shared_valkey.url,
        url,
        packs="campaign",
        campaign_keys=KEY,
        twitch_auth_url=fake.url,
        twitch_api_url=fake.url,
        twitch_client_id=twitch.CLIENT_ID,
        twitch_client_secret=twitch.CLIENT_SECRET,
        http_allow_private="true",
    )
    servers.SESSION_SERVERS.add(trial.worker().child.pid)
    yield trial
    trial.runner.close()
    trial.end()
    servers.forget(trial.redis_url, trial.namespace)
    shared_postgresql.drop_database(url.rpartition("/")[2])


def ask(system, one, event_type="dice_roll", **details):
    """Return the report of a full run that asks everything."""
    details = {"metadata": EVENT, "short_circuit": "never", "exclude": ["disk"], **details}
    return system.runner.run(event_type=event_type, campaign_id=one.id, raise_on_failure=False, **details)


def test_a_thousand_light_runs_of_one_campaign_are_one_execution(system, fake):
    """Within the time that an answer is kept, Twitch is asked about its streamer once; every run has the answer."""
    fake.asked.clear()
    details = {"campaign_id": sample.WELL.id, "only": ["tokens"]}

    runs = [system.runner.run(mode="light", event_type="dice_roll", **details) for _ in range(1000)]
    reports = [run.report(timeout=90) for run in runs]

    assert {report["tokens"].status for report in reports} == {"passed"}
    assert fake.asked == {"/oauth2/validate": 1}


def test_a_launch_of_the_sample_that_is_well_goes_ahead(system):
    """A poll asks Twitch and the tokens; what is for gamification is left out."""
    report = ask(system, sample.WELL, "poll_launch", metadata={})

    assert report.success, report.reason
    assert {line.name for line in report.checks} & set(PACK) == {"twitch_api", "tokens"}


def test_no_secret_is_in_any_output(system, fake):
    """All samples, a Twitch in trouble and wrong credentials, looked for in reports, log and command line."""
    said = [ask(system, one) for one in sample.SAMPLES]
    for trouble in (Trouble(status=500), Trouble(garbage=b"sample-token-echo\r\n\r\n"), Trouble(reset=True)):
        fake.troubles = {"/oauth2/validate": trouble, "/oauth2/token": trouble, "/helix/users": trouble}
        said.append(ask(system, sample.WELL, max_age=0))
    fake.troubles = {}

    assert {line.status for report in said for line in report.checks} == {"passed", "warning", "failed", "error"}
    last = said[-1]
    eventually(lambda: system.store.get(last.id), "the last report is stored")
    outputs = [json.dumps(report.to_json()) for report in (*said, *system.store.page(ReportFilter(), limit=1000))]
    outputs += [process.log for process in system.processes]
    outputs += [command(system, *words) for words in COMMANDS]
    for canary in CANARIES:
        assert [text for text in outputs if canary in text] == []


COMMANDS = (
    ("config",),
    ("checks", "--format", "json"),
    ("checks", "tokens"),
    ("doctor",),
    ("run", "poll_launch", "--campaign", str(sample.SAMPLES[6].id)),
)


def command(system, *words):
    """Return everything that a command of the pack's user prints."""
    done = subprocess.run(
        [sys.executable, "-m", "preflight", *words],
        env={**os.environ, **system.environment, "PYTHONPATH": str(REPOSITORY / "tests")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
    assert done.stdout
    return done.stdout + done.stderr
