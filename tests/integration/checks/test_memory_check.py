"""The check `memory` on this machine, and with the kernel's files of control groups as they look in a container."""

from __future__ import annotations

import psutil
import pytest

from preflight.checks.memory import MemoryCheck
from preflight.types import Status

MIB = 1024 * 1024


def check_of(warn, fail, groups, memberships):
    return MemoryCheck(warn_below_percent=warn, fail_below_percent=fail, groups=groups, memberships=memberships)


@pytest.fixture
def machine(tmp_path):
    """Return the arguments of a check that sees no control group."""
    return {"groups": tmp_path / "none", "memberships": tmp_path / "none"}


@pytest.fixture
def container(tmp_path):
    """Return a function that makes the files of a control group and returns the arguments of a check that sees it."""

    def make(line, folder, **files):
        (tmp_path / "cgroup").write_text(f"{line}\n1:name=systemd:/\n")
        place = tmp_path / "groups" / folder
        place.mkdir(parents=True)
        for name, text in files.items():
            (place / name.replace("__", ".")).write_text(text)
        return {"groups": tmp_path / "groups", "memberships": tmp_path / "cgroup"}

    return make


@pytest.mark.parametrize(
    ("warn", "fail", "status"), [(0, 0, Status.PASSED), (100, 0, Status.WARNING), (100, 100, Status.FAILED)]
)
def test_available_memory_is_compared_with_both_thresholds(ask, machine, warn, fail, status):
    """Above both it passes, below the first it warns, below the second it fails."""
    result = ask(check_of(warn, fail, **machine))

    assert result.status is status
    assert "of the machine's" in result.message
    assert result.metadata["total_bytes"] == psutil.virtual_memory().total
    assert (result.remediation is None) is (status is Status.PASSED)


def version_2(container, *, limit, used, cache=0, line="0::/app", folder="app"):
    files = {
        "memory__max": str(limit),
        "memory__current": str(used),
        "memory__stat": f"anon 1\ninactive_file {cache}\n",
    }
    return container(line, folder, **files)


def version_1(container, *, limit, used, cache=0, line="4:cpu,memory:/app", folder="memory/app"):
    names = {"memory__limit_in_bytes": str(limit), "memory__usage_in_bytes": str(used)}
    return container(line, folder, **names, memory__stat=f"cache 1\ntotal_inactive_file {cache}\n")


@pytest.mark.parametrize("version", [version_1, version_2])
def test_a_limit_of_its_control_group_counts(ask, container, version):
    """A container with 64 MiB of which 2 are left fails, however much the machine has."""
    result = ask(check_of(10, 5, **version(container, limit=64 * MIB, used=62 * MIB)))

    assert result.status is Status.FAILED
    assert "3 % of the control group's 0.1 GiB" in result.message


@pytest.mark.parametrize("version", [version_1, version_2])
def test_what_the_kernel_can_give_up_is_available(ask, container, version):
    """Files that were read lately fill every container and take nothing from it."""
    files = version(container, limit=64 * MIB, used=62 * MIB, cache=40 * MIB)

    assert ask(check_of(10, 5, **files)).status is Status.PASSED


@pytest.mark.parametrize("version", [version_1, version_2])
def test_a_limit_of_a_group_around_it_counts(ask, container, version):
    """The group that the worker is in has no limit of its own; the one around it has."""
    line = {version_1: "4:memory:/app/worker", version_2: "0::/app/worker"}[version]

    result = ask(check_of(10, 5, **version(container, limit=64 * MIB, used=62 * MIB, line=line)))

    assert result.status is Status.FAILED


@pytest.mark.parametrize("limit", ["max", str(2**63 - 4096), "0", "a lot"])
@pytest.mark.parametrize("version", [version_1, version_2])
def test_without_a_limit_the_machine_counts(ask, container, version, limit):
    """No limit, as both versions write it, and what cannot be read, leave the machine's memory."""
    result = ask(check_of(0, 0, **version(container, limit=limit, used=62 * MIB)))

    assert "of the machine's" in result.message


def test_a_group_seen_from_inside_its_own_name_space_counts(ask, container):
    """In a container the group is the root of what can be seen, whatever path the kernel names."""
    files = version_2(container, limit=64 * MIB, used=62 * MIB, line="0::/../outside", folder="")

    assert ask(check_of(10, 5, **files)).status is Status.FAILED


def test_every_documented_answer_is_given(not_given):
    """The page of the check shows no answer that these tests have not met."""
    assert not_given(MemoryCheck) == []
