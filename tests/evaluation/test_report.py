"""The page: what it says of made-up scores, and what a real browser shows of it."""

from __future__ import annotations

import base64
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from carnatic_sep.evaluation.contenders import Contender
from carnatic_sep.evaluation.excerpts import Excerpt, decode, encode, windowed_sdr
from carnatic_sep.evaluation.options import EvaluationOptions
from carnatic_sep.evaluation.parts import Part
from carnatic_sep.evaluation.report.charts import scale
from carnatic_sep.evaluation.report.examples import choose
from carnatic_sep.evaluation.report.page import report_page
from carnatic_sep.evaluation.scoring import Score
from carnatic_sep.evaluation.summary import summarise

RATE = 16000
SYSTEMS = (
    Contender("mixture", "floor"),
    Contender("mine <b>", "model", "mine", "0123456789abcdef"),
    Contender("oracle ratio mask", "bound"),
)
STEMS = ("vocals", "violin")


def excerpt(which: str, score: float, stem: str = "vocals") -> Excerpt:
    time = np.arange(2 * RATE) / RATE
    tone = (0.3 * np.sin(2 * np.pi * 440 * time)).astype(np.float32)
    audio = {name: encode(tone, RATE) for name in ("mixture", "reference", "estimate")}
    return Excerpt("mine <b>", stem, which, 3.0, 2.0, score, audio)


@pytest.fixture(scope="module")
def parts() -> list[Part]:
    """Six tracks of three concerts: mine is 3 dB above the mixture, one violin bleeds."""
    found = []
    for track in range(6):
        scores = []
        for stem in STEMS:
            for system, above in zip(SYSTEMS, (0.0, 3.0, 9.0), strict=True):
                for metric in ("lc_sdr", "lc_sdr@masked", "sdr"):
                    scores.append(Score(system.name, stem, metric, above + 0.1 * track))
        found.append(
            Part(
                track=f"track {track} & more",
                concert=f"concert {track // 2}",
                fingerprint="",
                seconds=65.0,
                stems=STEMS,
                ceiling_db={"vocals": 14.0 + track, "violin": 6.0 + track},
                scores=tuple(scores),
                notes=("a note",) if track == 1 else (),
                failures={"other": "it <failed>"} if track == 2 else {},
            )
        )
    return found


@pytest.fixture(scope="module")
def summary(parts) -> dict:
    versions = {"carnatic_sep": "0", "cleaner": "1"}
    return summarise(
        parts,
        SYSTEMS,
        EvaluationOptions(),
        dataset={"name": "set", "split": None},
        versions=versions,
    )


@pytest.fixture(scope="module")
def page(summary) -> str:
    excerpts = [("track 1", excerpt("best", 9.0)), ("track 2", excerpt("worst", 1.0))]
    return report_page(summary, excerpts)


def test_the_summary_says_what_the_scores_say(summary) -> None:
    vocals = summary["summary"]["mine <b>"]["vocals"]["lc_sdr"]
    assert vocals["mean"] == pytest.approx(3.25)
    assert (vocals["count"], vocals["concerts"]) == (6, 3)
    # Violins of tracks 0 and 1 have ceilings of 6 and 7 dB: four are left.
    assert [x["track"] for x in summary["set_apart"]] == ["track 0 & more", "track 1 & more"]
    violin = summary["summary"]["mine <b>"]["violin"]["lc_sdr"]
    assert (violin["count"], violin["mean"]) == (4, pytest.approx(3.35))
    claims = {(p["stem"], p["better"]) for p in summary["pairs"]}
    assert claims == {("vocals", "a"), ("violin", "a"), ("mean", "a")}
    assert set(summary["pairs"][0]["differences"]) == {"lc_sdr", "lc_sdr@masked"}


def test_cleaners_that_disagree_leave_it_open(parts) -> None:
    def turned(score: Score) -> Score:
        value = -score.value if score.metric == "lc_sdr@masked" else score.value
        return Score(score.system, score.stem, score.metric, value)

    turned_parts = [
        Part(**{**part.__dict__, "scores": tuple(map(turned, part.scores))}) for part in parts
    ]
    found = summarise(
        turned_parts, SYSTEMS, EvaluationOptions(), dataset={"name": "set"}, versions={}
    )
    assert {pair["better"] for pair in found["pairs"]} == {"open"}


def test_the_page_asks_for_nothing_and_escapes_names(page) -> None:
    assert "default-src 'none'" in page
    assert not re.search(r"(src|href)=[\"'](?!data:|#)", page)
    assert "url(" not in page
    assert "<script" not in page
    assert "mine &lt;b&gt;" in page
    assert "mine <b>" not in page
    assert "it &lt;failed&gt;" in page
    assert "6 tracks · 3 concerts · 6 min 30 s" in page


def test_without_players_there_is_no_audio_in_the_page(summary) -> None:
    page = report_page(summary, [("track 1", excerpt("best", 9.0))], audio=False)
    assert "audio/mpeg" not in page
    assert "image/png" in page


def test_pages_without_references_or_tracks_in_common_have_fewer_sections(parts) -> None:
    bare = Part(**{**parts[0].__dict__, "scores": (), "ceiling_db": {}})
    found = summarise([bare], SYSTEMS, EvaluationOptions(), dataset={"name": "x"}, versions={})
    page = report_page({**found, "versions": {"carnatic_sep": "0"}})
    assert "no references" in page
    assert 'id="standing"' not in page


def test_the_best_of_the_best_and_the_worst_of_the_worst_are_shown() -> None:
    made = [
        ("a", excerpt("best", 5.0)),
        ("a", excerpt("worst", 1.0)),
        ("b", excerpt("best", 4.0)),
        ("b", excerpt("worst", -1.0)),
        ("b", excerpt("best", 0.0, "violin")),
    ]
    shown = [(track, e.stem, e.which) for track, e in choose(made)]
    assert shown == [("a", "vocals", "best"), ("b", "vocals", "worst"), ("b", "violin", "best")]


def test_an_excerpt_sounds_as_it_did() -> None:
    time = np.arange(RATE) / RATE
    tone = (0.3 * np.sin(2 * np.pi * 440 * time)).astype(np.float32)
    audio, rate = decode(encode(tone, RATE))
    assert rate == RATE
    assert audio.shape[1] / rate == pytest.approx(1.0, abs=0.1)
    spectrum = np.abs(np.fft.rfft(audio[0, : RATE // 2]))
    assert np.argmax(spectrum) * 2 == pytest.approx(440, abs=2)


def test_the_best_stretch_is_where_the_error_is_small() -> None:
    rng = np.random.default_rng(0)
    truth = rng.standard_normal((1, 10 * 1000)).astype(np.float32)
    truth[:, 8000:] *= 1e-4  # too soft to count
    error = 0.5 * rng.standard_normal(truth.shape).astype(np.float32)
    error[:, 3000:5000] *= 0.1
    found = windowed_sdr(truth, truth + error, sample_rate=1000, seconds=2)
    assert np.nanargmax(found) == 3
    assert found[3] == pytest.approx(26.0, abs=0.5)
    assert np.isnan(found[8])


def test_axes_have_round_marks_around_all_values() -> None:
    place, marks = scale(-3.2, 11.7, 100.0, 0.0)
    assert marks[0] <= -3.2
    assert marks[-1] >= 11.7
    assert place(marks[0]) == pytest.approx(100.0)
    assert place(marks[-1]) == pytest.approx(0.0)
    assert np.ptp(np.diff(marks)) < 1e-9
    assert len(scale(5.0, 5.0, 0, 1)[1]) > 1


_COUNT = """<script>
addEventListener('load', async () => {
  const players = [...document.querySelectorAll('audio')];
  await Promise.race([
    new Promise(done => setTimeout(done, 8000)),
    Promise.all(players.map(p => p.readyState >= 1 || new Promise(done => {
      p.addEventListener('loadedmetadata', done); p.addEventListener('error', done); }))),
  ]);
  const shown = e => e.getBoundingClientRect().height > 5 && e.getBoundingClientRect().width > 5;
  const images = [...document.images];
  document.body.dataset.found = JSON.stringify({
    tables: [...document.querySelectorAll('table')].filter(shown).length,
    pictures: images.filter(i => shown(i) && i.naturalWidth > 500).length,
    charts: [...document.querySelectorAll('figure svg')].filter(shown).length,
    dots: [...document.querySelectorAll('figure svg circle')].length,
    players: players.filter(p => shown(p) && p.duration > 1.5 && p.duration < 2.5).length,
    wide: document.documentElement.scrollWidth > innerWidth,
  });
});
</script>"""


def test_a_browser_shows_tables_pictures_and_players(page, tmp_path: Path) -> None:
    names = ("chromium", "chromium-browser", "google-chrome")
    browser = next(filter(None, map(shutil.which, names)), None)
    if browser is None:
        pytest.skip(f"no browser: none of {', '.join(names)} is installed")
    policy = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')
    counted = policy.sub("", page).replace("</main>", "</main>" + _COUNT)
    (tmp_path / "page.html").write_text(counted, encoding="utf-8")
    command = [
        browser,
        *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
        *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
        *("--window-size=1200,900", "--virtual-time-budget=20000"),
        f"--user-data-dir={tmp_path / 'profile'}",
        *("--dump-dom", (tmp_path / "page.html").as_uri()),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    match = re.search(r'data-found="([^"]*)"', done.stdout)
    assert match, done.stderr[-2000:]
    import json

    found = json.loads(match.group(1).replace("&quot;", '"'))
    assert found["tables"] >= 4
    assert found["pictures"] == 2
    assert found["players"] == 6
    assert found["charts"] == 2
    assert found["dots"] >= 2 * 12
    assert not found["wide"]


def test_pictures_are_png_and_the_same_each_time(page, summary) -> None:
    found = re.findall(r"data:image/png;base64,([A-Za-z0-9+/=]+)", page)
    assert len(found) == 2
    for each in found:
        assert base64.b64decode(each)[:8] == b"\x89PNG\r\n\x1a\n"
    assert found[0] == found[1]  # both excerpts are the same tone
