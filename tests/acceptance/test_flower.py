"""Flower: which check of which run a task was can be read in its list, behind a password."""

from __future__ import annotations

import httpx
import pytest
import servers
from acceptance.processes import eventually
from acceptance.trial import Trial

from preflight.embedded.programs import FLOWER
from preflight.embedded.server import HOST, free_port

USER, PASSWORD = "operator", "hunter2hunter2"


@pytest.fixture(scope="module")
def observed(shared_valkey, acceptance_database, tmp_path_factory):
    """Yield a system with a worker of its own: Flower has it send events, which costs others time."""
    trial = Trial(tmp_path_factory.mktemp("observed"), shared_valkey.url, acceptance_database)
    servers.SESSION_SERVERS.add(trial.worker().child.pid)
    yield trial
    trial.end()
    servers.forget(trial.redis_url, trial.namespace)


@pytest.fixture(scope="module")
def flower(observed):
    """Yield a client of Flower, started as `preflight up` starts it."""
    (observed.folder / "flower").mkdir()
    words = {"flower_port": free_port(), "home": observed.folder}
    words |= {"flower_user": USER, "flower_password": PASSWORD}
    arguments = [argument.format_map(words) for argument in FLOWER.arguments[2:]]
    environment = {name: value.format_map(words) for name, value in FLOWER.environment.items()}
    process = observed.celery(*arguments, **environment)
    servers.SESSION_SERVERS.add(process.child.pid)
    with httpx.Client(base_url=f"http://{HOST}:{words['flower_port']}", auth=(USER, PASSWORD), timeout=20) as client:
        eventually(lambda: answers(client), "Flower answers", lambda: process.log)
        yield client


def answers(client):
    try:
        return client.get("/healthcheck").is_success
    except httpx.HTTPError:
        return False


@pytest.fixture(scope="module")
def listed(observed, flower):
    """Return a run's id, and the tasks of it that Flower lists: of the first run of which it has heard both."""
    runs, found = [], {}

    def heard():
        runs.append(str(observed.run({"alpha": "passes", "five": "fails"}).id))
        tasks = list(flower.get("/api/tasks").json().values())
        found.update({run: [task for task in tasks if run in str(task["args"])] for run in runs})
        return any(len(tasks) == 2 for tasks in found.values())

    eventually(heard, "Flower lists both checks of a run", lambda: found)
    return next(item for item in found.items() if len(item[1]) == 2)


def test_its_tasks_are_told_apart_by_check_and_run(listed):
    """The arguments read as the check's name and the run's id, and the task's id holds both."""
    run_id, tasks = listed

    assert sorted(task["args"] for task in tasks) == [f"alpha {run_id}", f"five {run_id}"]
    assert {task["name"] for task in tasks} == {"preflight.check"}
    assert all(task["uuid"].startswith(f"{run_id}:") for task in tasks)


def test_its_page_has_a_column_for_them(flower):
    """Flower's own choice of columns leaves the arguments out."""
    page = flower.get("/tasks")

    assert page.is_success
    assert '"args"' in page.text or "args" in page.text.partition("<thead")[2].partition("</thead>")[0].lower()


@pytest.mark.parametrize("path", ["/", "/tasks", "/workers", "/api/tasks", "/api/workers"])
def test_nobody_sees_it_without_the_password(flower, path):
    """Neither page nor API."""
    for auth in (None, (USER, "wrong")):
        answer = httpx.get(f"{flower.base_url}{path}", auth=auth, timeout=20)
        assert answer.status_code == 401, path
        assert "preflight.check" not in answer.text
