"""What all tests share: where real audio lies, and how much hypothesis may try."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "carnatic-sep",
    deadline=None,
    max_examples=20,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
settings.load_profile("carnatic-sep")


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Real recordings: ``CARNATIC_SEP_DATA``, or ``../shared/data`` beside the repository."""
    named = os.environ.get("CARNATIC_SEP_DATA")
    folder = Path(named) if named else Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no real recordings: {folder} does not exist (set CARNATIC_SEP_DATA)")
    return folder
