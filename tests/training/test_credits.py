"""Credits: every source that was used, none that was kept out."""

from __future__ import annotations

import pytest

from carnatic_sep.datasets.config import DataConfig
from carnatic_sep.errors import ConfigError
from carnatic_sep.training.credits import credits_of


def test_used_sources_are_named_once_and_kept_out_ones_not(solo_dir, solo_split) -> None:
    assert credits_of(solo_dir, DataConfig(**solo_split)) == [
        "some/violins (MIT)",
        "some/voices (CC BY 4.0)",
    ]


def test_a_folder_without_a_manifest_says_so(tmp_path) -> None:
    (line,) = credits_of(tmp_path, DataConfig())
    assert "MANIFEST.csv" in line
    assert "not recorded" in line


def test_a_manifest_without_its_columns_is_refused(tmp_path) -> None:
    (tmp_path / "MANIFEST.csv").write_text("path,licence\na,b\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="lacks the columns source_repository"):
        credits_of(tmp_path, DataConfig())
