"""The one picture that a person prints: melody over the tonic, who plays, strokes and tempo."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.analysis.cents_spectrogram import cents_spectrogram
from carnatic_sep.analysis.distribution import Distribution, SvaraPeak, distribution, svara_peaks
from carnatic_sep.analysis.lettering import lettered
from carnatic_sep.analysis.levels import SILENCE_DB
from carnatic_sep.analysis.svara_lines import draw_svaras
from carnatic_sep.errors import AnalysisError, AudioWriteError
from carnatic_sep.files import growing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.ticker import Locator

    from carnatic_sep.analysis.levels import Levels
    from carnatic_sep.analysis.pitch import PitchTrack
    from carnatic_sep.analysis.rhythm import Rhythm

_WHOLE_SECONDS = 45.0
_SPAN_SECONDS = 30.0
_MARGIN_CENTS = 250.0
_JUMP_CENTS = 200.0
_TITLE_LETTERS = 75
_SHOWN_DB = 45.0
_LEAST_LEVEL, _MOST_LEVEL = 0.4, 0.999
_INK, _GRID, _LINE, _PITCH = "#1d1b22", "#8d8894", "#2b6ca3", "#c8102e"
_STEM_INK = {
    "vocals": "#c8102e",
    "violin": "#b8741a",
    "mridangam": "#2b6ca3",
    "other": "#5d7a3a",
}


@dataclass(frozen=True)
class Scene:
    """What the picture shows.

    Attributes
    ----------
    title : of the recording
    sound : the file whose spectrogram lies behind the melody; `sound_name` says whose sound it is
    pitch, tonic_hz : the melody, and Sa
    levels : of the stems; None without
    rhythm : strokes and pulse; None without a mridangam
    sama : annotated seconds of sama, may be empty
    raga : a line about it
    """

    title: str
    sound: Path
    pitch: PitchTrack
    tonic_hz: float
    levels: Levels | None = None
    rhythm: Rhythm | None = None
    sama: tuple[float, ...] = ()
    raga: str = ""
    sound_name: str = ""


def choose_span(pitch: PitchTrack) -> tuple[float, float]:
    """Return what to show: all of a short recording, else the half minute with most melody."""
    seconds = len(pitch.f0) * pitch.hop_seconds
    if seconds <= _WHOLE_SECONDS:
        return 0.0, seconds
    width = round(_SPAN_SECONDS / pitch.hop_seconds)
    total = np.concatenate([[0], np.cumsum(pitch.voiced)])
    best = int(np.argmax(total[width:] - total[:-width]))
    return best * pitch.hop_seconds, best * pitch.hop_seconds + _SPAN_SECONDS


def check_span(source: Path, span: tuple[float, float], seconds: float) -> None:
    """Refuse to show what lies outside a recording of `seconds`.

    Raises
    ------
    AnalysisError
        It does.
    """
    start, end = span
    if not 0.0 <= start < end or start >= seconds:
        raise AnalysisError(
            f"{source}: nothing to show from {start:g} to {end:g} s; it lasts {seconds:.1f} s"
        )


def save_picture(path: Path, scene: Scene, *, span: tuple[float, float] | None = None) -> None:
    """Draw `scene` into a PNG or PDF of a landscape A4 sheet.

    Parameters
    ----------
    path : ends in ``.png`` or ``.pdf``
    span : seconds to show; :func:`choose_span` if None

    Raises
    ------
    AnalysisError
        The span lies outside the recording.
    AudioReadError
        The sound cannot be read.
    AudioWriteError
        The picture cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    seconds = len(scene.pitch.f0) * scene.pitch.hop_seconds
    start, end = span or choose_span(scene.pitch)
    check_span(scene.sound, (start, end), seconds)
    end = min(end, seconds)
    figure = Figure(figsize=(11.7, 8.27), facecolor="white")
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(
        3,
        2,
        width_ratios=(11.0, 1.6),
        height_ratios=(6.2, 1.7, 1.5),
        left=0.075,
        right=0.95,
        top=0.90,
        bottom=0.07,
        hspace=0.12,
        wspace=0.03,
    )
    title, fonts = lettered(scene.title)
    size = 15.0 * min(1.0, _TITLE_LETTERS / max(len(title), 1))
    line = figure.text(0.075, 0.955, title, fontsize=size, color=_INK, va="center", family=fonts)
    line.set_parse_math(False)  # a dollar in a name is a dollar
    figure.text(0.075, 0.922, _facts(scene), fontsize=9.5, color=_INK, va="center")
    melody = figure.add_subplot(grid[0, 0])
    histogram = figure.add_subplot(grid[0, 1])
    lowest, highest = _heights(scene)
    _draw_melody(melody, scene, (start, end), (lowest, highest))
    peaks = _draw_histogram(histogram, scene, (lowest, highest))
    draw_svaras(melody, histogram, peaks, (lowest, highest))
    stems = figure.add_subplot(grid[1, 0], sharex=melody)
    _draw_stems(stems, scene, (start, end))
    strokes = figure.add_subplot(grid[2, 0], sharex=melody)
    _draw_strokes(strokes, scene, (start, end))
    for axes in (melody, stems):
        axes.tick_params(labelbottom=False)
    for sama in scene.sama:
        if start <= sama <= end:
            for axes in (melody, stems, strokes):
                axes.axvline(sama, color=_INK, linewidth=0.6, alpha=0.45, linestyle=(0, (4, 3)))
    strokes.set_xlabel("seconds" + "; dashed: annotated sama" * bool(scene.sama), fontsize=9)
    strokes.set_xlim(start, end)
    try:
        # No date and no version inside: the same numbers draw the same bytes.
        metadata = {"Software": None} if path.suffix == ".png" else {"CreationDate": None}
        with growing(path) as place:
            figure.savefig(place, format=path.suffix[1:], dpi=150, metadata=metadata)
    except OSError as error:
        raise AudioWriteError(f"{path}: cannot write the picture ({error.strerror})") from error


def _facts(scene: Scene) -> str:
    facts = [f"Sa = {scene.tonic_hz:.2f} Hz"]
    if scene.raga:
        facts.append(scene.raga)
    if scene.rhythm is not None and np.isfinite(scene.rhythm.pulse_per_minute):
        facts.append(f"akshara pulse {scene.rhythm.pulse_per_minute:.0f} a minute")
    return "   ·   ".join(facts)


def _heights(scene: Scene) -> tuple[float, float]:
    cents = scene.pitch.cents(scene.tonic_hz)
    cents = cents[np.isfinite(cents)]
    if not len(cents):
        return -600.0, 1800.0
    low, high = np.quantile(cents, [0.01, 0.99])
    return float(low - _MARGIN_CENTS), float(high + _MARGIN_CENTS)


def _draw_melody(
    axes: Axes, scene: Scene, span: tuple[float, float], heights: tuple[float, float]
) -> None:
    levels = cents_spectrogram(
        scene.sound,
        tonic_hz=scene.tonic_hz,
        start_seconds=span[0],
        end_seconds=span[1],
        lowest_cents=heights[0],
        highest_cents=heights[1],
    )
    # The paper stays white where nothing sounds: the quieter part is the floor of the recording.
    floor, top = (float(each) for each in np.quantile(levels, [_LEAST_LEVEL, _MOST_LEVEL]))
    axes.imshow(
        levels,
        origin="lower",
        aspect="auto",
        extent=(*span, *heights),
        vmin=floor,
        vmax=top,
        cmap="Greys",
        alpha=0.75,
        interpolation="bilinear",
    )
    times, cents = scene.pitch.times, scene.pitch.cents(scene.tonic_hz)
    inside = (times >= span[0]) & (times < span[1])
    # No voice slides so far in a hop: a line drawn there would only hide what is beside it.
    jumps = np.abs(np.diff(cents, prepend=np.nan)) > _JUMP_CENTS
    line = np.where(jumps, np.nan, cents)
    axes.plot(times[inside], line[inside], color=_PITCH, linewidth=1.1)
    axes.set_ylim(*heights)
    grey = f" (grey: {scene.sound_name})" if scene.sound_name else ""
    axes.set_ylabel(f"cents over Sa{grey}", fontsize=9)
    axes.tick_params(labelsize=8)
    axes.yaxis.set_major_locator(_multiples(200))


def _draw_histogram(axes: Axes, scene: Scene, heights: tuple[float, float]) -> list[SvaraPeak]:
    axes.set_ylim(*heights)
    axes.tick_params(labelleft=False, labelbottom=False, length=0, labelsize=8)
    axes.set_xlabel("time at each height", fontsize=8, color=_INK)
    try:
        whole = distribution(scene.pitch, scene.tonic_hz, folded=False)
        folded: Distribution = distribution(scene.pitch, scene.tonic_hz)
    except AnalysisError:
        return []
    axes.fill_betweenx(whole.cents, 0.0, whole.density, color=_PITCH, alpha=0.55, linewidth=0)
    axes.set_xlim(0.0, 1.08 * float(whole.density.max()))
    return svara_peaks(folded)


def _draw_stems(axes: Axes, scene: Scene, span: tuple[float, float]) -> None:
    axes.set_yticks([])
    axes.tick_params(labelsize=8)
    if scene.levels is None:
        axes.text(0.5, 0.5, "no stems given", transform=axes.transAxes, ha="center", fontsize=9)
        return
    hop = scene.levels.hop_seconds
    first, last = (int(edge / hop) for edge in span)
    names = list(scene.levels.db)
    for row, name in enumerate(names):
        whole = scene.levels.smoothed(name, 0.1)
        db = whole[first:last]
        base = len(names) - 1 - row
        # a silent stem is as loud as its loudest moment throughout: it is none the less silent
        floor = max(float(whole.max()) - _SHOWN_DB, SILENCE_DB)
        height = np.clip((db - floor) / _SHOWN_DB, 0.0, 1.0)
        times = (first + np.arange(len(db))) * hop
        axes.fill_between(
            times, base, base + 0.9 * height, color=_STEM_INK.get(name, _GRID), linewidth=0
        )
    axes.set_yticks([len(names) - 0.55 - row for row in range(len(names))], names, fontsize=8)
    axes.set_ylim(0.0, len(names))


def _draw_strokes(axes: Axes, scene: Scene, span: tuple[float, float]) -> None:
    axes.set_yticks([0.5, 1.5], ["left", "right"], fontsize=8)
    axes.set_ylim(0.0, 2.0)
    axes.tick_params(labelsize=8)
    axes.set_ylabel("strokes", fontsize=8)
    if scene.rhythm is None:
        axes.text(0.5, 0.5, "no mridangam given", transform=axes.transAxes, ha="center", fontsize=9)
        return
    for stroke in scene.rhythm.strokes:
        if span[0] <= stroke.seconds <= span[1]:
            for base, strength in ((0.0, stroke.left), (1.0, stroke.right)):
                axes.vlines(
                    stroke.seconds, base + 0.05, base + 0.05 + 0.85 * strength, _LINE, linewidth=0.9
                )
    times, tempo = scene.rhythm.tempo_times, scene.rhythm.tempo_per_minute
    inside = (times >= span[0]) & (times <= span[1]) & np.isfinite(tempo)
    if inside.any():
        right = axes.twinx()
        right.yaxis.set_major_locator(_few())
        right.plot(times[inside], tempo[inside], color=_PITCH, linewidth=1.2)
        middle = float(np.median(tempo[inside]))
        right.set_ylim(0.8 * middle, 1.2 * middle)
        right.set_ylabel("aksharas a minute", fontsize=8, color=_PITCH)
        right.tick_params(labelsize=7, colors=_PITCH)


def _few() -> Locator:
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(4)


def _multiples(step: int) -> Locator:
    from matplotlib.ticker import MultipleLocator

    return MultipleLocator(step)
