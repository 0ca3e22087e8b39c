"""The OpenAPI says what the API does, and hostile input by its rules breaks nothing."""

from __future__ import annotations

import re

import pytest
import schemathesis
from documents import DOCS
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from preflight.admin.app import create_app
from preflight.context import RunDetails
from preflight.settings import load

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


#: Read without a server: making the application does no I/O. Streams do not end, so they are left out.
APP = create_app(load({"redis_url": "redis://nowhere", "database_url": "postgresql://nowhere/x"}))
SCHEMA = schemathesis.openapi.from_dict(APP.openapi()).exclude(path="/api/v1/events")
OPERATIONS = [found.ok() for found in SCHEMA.get_all_operations()]


@pytest.mark.parametrize("mode", list(GenerationMode), ids=str)
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
def test_no_input_breaks_the_api(operation, mode, site, caller):
    """What the OpenAPI allows and forbids is answered as the OpenAPI says, and never by an error of the page."""
    if mode is GenerationMode.NEGATIVE and not (operation.query or operation.path_parameters or operation.body):
        return  # it takes nothing that could be wrong

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(max_examples=25, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    def ask(case):
        answer = case.call(base_url=site.url, headers={"Authorization": caller.headers["authorization"]})
        case.validate_response(answer, checks=CHECKS)

    ask()


def test_every_operation_is_described(caller):
    """Each has a summary, answers with shapes, and its errors."""
    told = caller.get("/api/v1/openapi.json").json()
    for path, operations in told["paths"].items():
        for method, operation in operations.items():
            assert operation["description"].strip(), (method, path)
            assert "200" in operation["responses"] or "202" in operation["responses"], (method, path)


def test_the_reference_names_every_operation():
    """What is documented is there, and what is there is documented; what no client of the API reads is besides."""
    documented = set(re.findall(r"^\| `([A-Z]+ /\S*)` \|", (DOCS / "reference" / "api.md").read_text(), re.MULTILINE))
    told = APP.openapi()["paths"]
    there = {f"{method.upper()} {path}" for path, operations in told.items() for method in operations}

    assert documented == there | {"GET /admin/monitoring", "GET /metrics"}


def test_the_reference_names_every_argument():
    """Arguments of queries and fields of a run stand in the page."""
    page = (DOCS / "reference" / "api.md").read_text()
    told = APP.openapi()["paths"]
    queried = {
        one["name"] for path in told.values() for operation in path.values() for one in operation.get("parameters", [])
    }
    run = told["/api/v1/runs"]["post"]["requestBody"]["content"]["application/json"]["schema"]["properties"]

    assert {name for name in queried | run.keys() if f"`{name}`" not in page and f"{{{name}}}" not in page} == set()
    assert run.keys() == {"mode", "event_type", *RunDetails.__annotations__}
