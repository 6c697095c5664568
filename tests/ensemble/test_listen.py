"""The listening page: whole in one file, with players that play and a picture that is seen."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from carnatic_sep.ensemble.config import EnsembleConfig
from carnatic_sep.ensemble.kutcheri import Ensemble
from carnatic_sep.ensemble.players import Players
from carnatic_sep.ensemble.renders import Order, render_pieces
from carnatic_sep.ensemble.score import Score

RECIPE = Path(__file__).parents[2] / "recipes" / "ensemble" / "listen.py"
DOCS = Path(__file__).parents[2] / "docs"
PLAYERS = ("mixture", "vocals", "violin", "mridangam", "other")


def _noise(score: Score, frames: int, rate: int, rng: np.random.Generator) -> np.ndarray:
    return rng.standard_normal(frames).astype(np.float32)


@pytest.fixture(scope="module")
def recipe() -> Any:
    pytest.importorskip("matplotlib")
    spec = importlib.util.spec_from_file_location("listen", RECIPE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    path = list(sys.path)
    spec.loader.exec_module(module)
    sys.path[:] = path
    return module


@pytest.fixture(scope="module")
def renders(tmp_path_factory: Any) -> Path:
    folder = tmp_path_factory.mktemp("renders")
    players = Players(voice=_noise, violin=_noise)
    ensemble = Ensemble(players, config=EnsembleConfig(staged=False), sample_rate=16000)
    assert len(list(render_pieces(lambda: ensemble, Order(1, 2.0, seed=7), folder))) == 1
    return Path(folder)


@pytest.fixture(scope="module")
def page(recipe: Any, renders: Path) -> str:
    out = renders / "listen.html"
    command = ["listen.py", str(renders / "000007"), "--out", str(out), "--assets", str(renders)]
    before, sys.argv = sys.argv, command
    try:
        assert recipe.main() == 0
    finally:
        sys.argv = before
    return out.read_text(encoding="utf-8")


def test_the_page_says_what_the_score_says_and_fetches_nothing(page: str, renders: Path) -> None:
    score = Score.from_json((renders / "000007" / "score.json").read_text(encoding="utf-8"))
    for fact in (score.raga, score.form, f"{score.tonic_hz:.1f} Hz"):
        assert fact in page
    assert page.count("<audio") == len(PLAYERS)
    links = re.findall(r'(?:src|href)="([^"]{0,30})', page)
    assert links
    assert all(link.startswith("data:") for link in links)


def test_what_is_heard_is_what_was_rendered(page: str, renders: Path) -> None:
    for name in PLAYERS:
        audio, rate = soundfile.read(renders / f"{name}.mp3", always_2d=True)
        truth, _ = soundfile.read(renders / "000007" / f"{name}.wav", always_2d=True)
        assert audio.shape[0] / rate == pytest.approx(2.0, abs=0.1)
        level = np.sqrt(np.mean(audio**2))
        assert level == pytest.approx(np.sqrt(np.mean(truth**2)), rel=0.1, abs=1e-4)


def test_a_folder_without_a_piece_is_refused(recipe: Any, tmp_path: Path, capsys: Any) -> None:
    before, sys.argv = sys.argv, ["listen.py", str(tmp_path)]
    try:
        with pytest.raises(SystemExit) as stopped:
            recipe.main()
    finally:
        sys.argv = before
    assert stopped.value.code == 2
    assert "score.json" in capsys.readouterr().err


_COUNT = """<script>
addEventListener('load', async () => {
  const players = [...document.querySelectorAll('audio')];
  await Promise.race([
    new Promise(done => setTimeout(done, 8000)),
    Promise.all(players.map(p => p.readyState >= 1 || new Promise(done => {
      p.addEventListener('loadedmetadata', done); p.addEventListener('error', done); }))),
  ]);
  const shown = e => e.getBoundingClientRect().height > 5 && e.getBoundingClientRect().width > 5;
  document.body.dataset.found = JSON.stringify({
    pictures: [...document.images].filter(i => shown(i) && i.naturalWidth > 500).length,
    players: players.filter(p => shown(p) && p.duration > 1.5 && p.duration < 2.5).length,
    wide: document.documentElement.scrollWidth > innerWidth,
  });
});
</script>"""


def test_a_browser_shows_the_picture_and_can_play_everything(page: str, tmp_path: Path) -> None:
    names = ("chromium", "chromium-browser", "google-chrome")
    browser = next(filter(None, map(shutil.which, names)), None)
    if browser is None:
        pytest.skip(f"no browser: none of {', '.join(names)} is installed")
    counted = page.replace("</main>", "</main>" + _COUNT)
    (tmp_path / "page.html").write_text(counted, encoding="utf-8")
    command = [
        browser,
        *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
        *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
        *("--window-size=900,900", "--virtual-time-budget=20000"),
        f"--user-data-dir={tmp_path / 'profile'}",
        *("--dump-dom", (tmp_path / "page.html").as_uri()),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    match = re.search(r'data-found="([^"]*)"', done.stdout)
    assert match, done.stderr[-2000:]
    found = json.loads(match.group(1).replace("&quot;", '"'))
    assert found == {"pictures": 1, "players": len(PLAYERS), "wide": False}


def test_the_documentation_plays_files_that_are_there_and_small() -> None:
    page = (DOCS / "howto" / "render.md").read_text(encoding="utf-8")
    files = [DOCS / "howto" / name for name in re.findall(r'<audio[^>]*src="([^"]+)"', page)]
    assert [file.stem for file in files] == list(PLAYERS)
    assert sum(file.stat().st_size for file in files) < 300_000
    sounds = [soundfile.read(file, always_2d=True)[0] for file in files]
    assert len({sound.shape for sound in sounds}) == 1
    total = np.sum(sounds[1:], axis=0)
    assert np.corrcoef(total.ravel(), sounds[0].ravel())[0, 1] > 0.98
