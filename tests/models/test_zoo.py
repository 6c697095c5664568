"""Names to models: bundled, cached, local files, downloads, and what is unknown."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from carnatic_sep.errors import CheckpointError, UnknownNameError, UsageError
from carnatic_sep.models.download import Download
from carnatic_sep.models.zoo import WEIGHTS_DIR, list_models, load_model, resolve
from carnatic_sep.transfer.digest import file_digest

Write = Callable[[Path], Path]


def published(path: Path) -> Download:
    """Describe `path` as a download, at an address that nothing answers."""
    return Download("http://127.0.0.1:9/unreachable", file_digest(path), path.stat().st_size)


def test_bundled_names_win_and_are_listed_first(
    tmp_path: Path, cache: Path, write_model: Write
) -> None:
    weights = tmp_path / "weights"
    bundled = write_model(weights / "zeta.safetensors")
    write_model(cache / "zeta.safetensors")
    own = write_model(cache / "alpha.safetensors")
    elsewhere = {"beta": Download("http://127.0.0.1:9/b", "0" * 64, 1)}
    entries = list_models(weights_dir=weights, downloads=elsewhere)
    assert [(e.name, e.origin, e.path) for e in entries] == [
        ("zeta", "bundled", bundled),
        ("alpha", "cached", own),
        ("beta", "download", None),
    ]
    assert resolve("zeta", weights_dir=weights) == bundled
    assert resolve("alpha", weights_dir=weights) == own


def test_a_cached_download_needs_no_network(
    tmp_path: Path, cache: Path, write_model: Write
) -> None:
    path = write_model(cache / "m.safetensors")
    downloads = {"m": published(path)}
    assert resolve("m", weights_dir=tmp_path, downloads=downloads) == path
    path.write_bytes(b"damaged")
    with pytest.raises(CheckpointError, match="download failed"):
        resolve("m", weights_dir=tmp_path, downloads=downloads)


def test_what_is_bundled_needs_no_home(
    tmp_path: Path, write_model: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody() -> Path:
        raise RuntimeError("Could not determine home directory.")

    for name in ("CARNATIC_SEP_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", nobody)
    bundled = write_model(tmp_path / "zeta.safetensors")
    assert resolve("zeta", weights_dir=tmp_path) == bundled
    elsewhere = {"beta": Download("http://127.0.0.1:9/b", "0" * 64, 1)}
    with pytest.raises(CheckpointError, match="CARNATIC_SEP_CACHE"):
        resolve("beta", weights_dir=tmp_path, downloads=elsewhere)


def test_local_files_load_by_path(tmp_path: Path, write_model: Write) -> None:
    path = write_model(tmp_path / "வாய்ப்பாட்டு model.safetensors")
    for given in (path, str(path)):
        model = load_model(given)
        assert model.stems == ("vocals", "other")
        assert not model.training


def test_a_bare_file_name_is_found_but_names_win(
    tmp_path: Path, write_model: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_model(tmp_path / "mine")
    bundled = write_model(tmp_path / "weights" / "known.safetensors")
    write_model(tmp_path / "known")
    monkeypatch.chdir(tmp_path)
    assert resolve("mine", weights_dir=tmp_path / "weights") == Path("mine")
    assert resolve("known", weights_dir=tmp_path / "weights") == bundled
    assert resolve("./known", weights_dir=tmp_path / "weights") == Path("known")


def test_unknown_names_get_the_nearest(tmp_path: Path, write_model: Write) -> None:
    write_model(tmp_path / "default.safetensors")
    with pytest.raises(UnknownNameError, match=r"'defualt'; did you mean: default"):
        resolve("defualt", weights_dir=tmp_path)


@pytest.mark.parametrize("missing", ["nowhere.safetensors", "./nowhere", "some/folder/x"])
def test_paths_to_nothing_are_named(missing: str) -> None:
    with pytest.raises(CheckpointError, match=r"no such file.*models list"):
        resolve(missing)


def test_a_directory_is_not_a_model(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="a directory"):
        resolve(tmp_path)


def test_the_weights_folder_ships_with_the_package() -> None:
    assert (WEIGHTS_DIR / "README.md").is_file()


def test_loading_gives_the_saved_network(tmp_path: Path, write_model: Write) -> None:
    path = write_model(tmp_path / "m.safetensors")
    mixture = torch.randn(1, 2, 3000, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        assert torch.equal(load_model(path)(mixture), load_model(path)(mixture))


def test_listing_imports_no_torch() -> None:
    code = (
        "import sys; from carnatic_sep.models.zoo import list_models; list_models();"
        "sys.exit('torch' in sys.modules or 'pydantic' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_what_is_no_name_and_no_device_is_told(tmp_path: Path, write_model: Write) -> None:
    for nonsense in (None, 5, ["default"]):
        with pytest.raises(UsageError, match="give a model's name or a checkpoint file"):
            load_model(nonsense)  # type: ignore[arg-type]
    path = write_model(tmp_path / "m.safetensors")
    for device in ("cida", None, 1.5):
        with pytest.raises(UsageError, match=f"device {device!r}: torch cannot use it"):
            load_model(path, device=device)  # type: ignore[arg-type]
