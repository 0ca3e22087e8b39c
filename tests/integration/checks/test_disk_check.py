"""The check `disk` against real file systems."""

from __future__ import annotations

from pathlib import Path

import pytest

from preflight.checks.disk import DiskCheck
from preflight.types import Status


def check_of(path, warn, fail):
    return DiskCheck(path=path, warn_below_percent=warn, fail_below_percent=fail)


@pytest.mark.parametrize(
    ("warn", "fail", "status"), [(0, 0, Status.PASSED), (100, 0, Status.WARNING), (100, 100, Status.FAILED)]
)
def test_free_space_is_compared_with_both_thresholds(ask, tmp_path, warn, fail, status):
    """Above both it passes, below the first it warns, below the second it fails."""
    result = ask(check_of(tmp_path, warn, fail))

    assert result.status is status
    assert f"% of {tmp_path} is free" in result.message
    assert (result.remediation is None) is (status is Status.PASSED)


def test_a_missing_path_fails(ask, tmp_path):
    """A file system that is not mounted is a no, not an exception."""
    result = ask(DiskCheck(path=tmp_path / "missing"))

    assert result.status is Status.FAILED
    assert "No such file or directory" in result.message
    assert "Create or mount" in result.remediation


def test_a_file_system_without_a_size_is_skipped(ask):
    """A kernel's own file system has no space to run out of."""
    result = ask(DiskCheck(path=Path("/proc")))

    assert result.status is Status.SKIPPED


def test_every_documented_answer_is_given(not_given):
    """The page of the check shows no answer that these tests have not met."""
    assert not_given(DiskCheck) == []
