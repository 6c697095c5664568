"""How far rendered mixes are from a real concert's: portraits side by side, and a classifier.

    python recipes/ensemble/realism.py --bank recordings --concert concert.mp3 --figure realism.png

The desk was set with the first half of the concert before us; what is printed compares with its
second half. Pieces are rendered as ``carnatic-sep render --bank recordings --bleed -12 --mp3 128``
renders them, and brought to one level, as one recording has. Levels of stems are those that the
bundled model finds, in the concert and in the renders alike, so that its errors are on both sides.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from features import BANDS_HZ, Portrait, patches, portray

from carnatic_sep.audio.reader import read_audio
from carnatic_sep.datasets.config import DataConfig
from carnatic_sep.ensemble.codec import mp3_round_trip
from carnatic_sep.ensemble.config import EnsembleConfig
from carnatic_sep.ensemble.orders import make_ensemble

_TOLERANCES = {"spectrum": 6.0, "levels": 5.0, "crest": 3.0, "width": 6.0, "stems": 6.0}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bank", type=Path, required=True)
    parser.add_argument("--voice", nargs="+", default=["voice/alapana/*"], help="phrases to use")
    parser.add_argument("--cache", type=Path, default=Path("runs/cache"))
    parser.add_argument("--pieces", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=500)
    parser.add_argument("--concert", type=Path, required=True)
    parser.add_argument("--half", choices=["first", "second"], default="second")
    parser.add_argument("--stems-seconds", type=float, default=40.0, help="to separate; 0 for none")
    parser.add_argument("--figure", type=Path)
    parser.add_argument("--concert-stems", type=Path, help="as separate wrote them, to save time")
    parser.add_argument("--stems-only", action="store_true", help="print only the levels of stems")
    options = parser.parse_args()

    whole, rate = read_audio(options.concert)
    middle = whole.shape[1] // 2
    real = whole[:, :middle] if options.half == "first" else whole[:, middle:]
    rendered = _render(options, rate)
    ours = np.concatenate(rendered, axis=1)
    if options.stems_only:
        _print_stems(real, rendered, rate, options)
        return
    one, other = portray(real, rate), portray(ours, rate)
    _print_portraits(one, other)
    if options.stems_seconds > 0:
        _print_stems(real, rendered, rate, options)
    _print_classifier(real, rendered, rate)
    if options.figure:
        _draw(one, other, options.figure)


def _render(options: argparse.Namespace, rate: int) -> list[np.ndarray]:
    """Render pieces as a concert's recording would have them: bleeding microphones, mp3."""
    ensemble = make_ensemble(
        bank=options.bank,
        data=DataConfig(voice=options.voice),
        cache=options.cache,
        config=EnsembleConfig(bleed_db=(-12.0, -12.0), violin_variety=1.0),
        sample_rate=rate,
    )
    return [
        _levelled(
            mp3_round_trip(
                ensemble.render(seconds=options.seconds, seed=options.seed + index).mixture,
                sample_rate=rate,
            )
        )
        for index in range(options.pieces)
    ]


def _levelled(audio: np.ndarray) -> np.ndarray:
    """Bring a piece to an RMS of 0.1: its loudness was drawn, and a concert has but one."""
    return audio * np.float32(0.1 / np.sqrt(np.mean(np.square(audio), dtype=np.float64)))


def _print_portraits(real: Portrait, ours: Portrait) -> None:
    print("| | concert | rendered | difference | tolerance | |")
    print("|---|---:|---:|---:|---:|---|")
    for index, centre in enumerate(BANDS_HZ):
        if 60 < centre < 10000:
            _row(
                f"spectrum {centre:.0f} Hz (dB)",
                real.spectrum[index],
                ours.spectrum[index],
                "spectrum",
            )
    for index, point in enumerate((5, 25, 50, 75, 95)):
        _row(
            f"level of 50 ms, {point} % point (dB)",
            real.levels[index],
            ours.levels[index],
            "levels",
        )
    _row("crest factor, 50 ms (dB)", real.crest_short, ours.crest_short, "crest")
    _row("crest factor, 3 s (dB)", real.crest_long, ours.crest_long, "crest")
    for index, centre in enumerate(BANDS_HZ):
        if 120 < centre < 10000:
            _row(
                f"side over mid {centre:.0f} Hz (dB)", real.width[index], ours.width[index], "width"
            )


def _row(name: str, real: float, ours: float, kind: str) -> None:
    tolerance = _TOLERANCES[kind]
    verdict = "within" if abs(ours - real) <= tolerance else "**outside**"
    print(
        f"| {name} | {real:.1f} | {ours:.1f} | {ours - real:+.1f} | {tolerance:.0f} | {verdict} |"
    )


def _print_stems(
    real: np.ndarray, rendered: list[np.ndarray], rate: int, options: argparse.Namespace
) -> None:
    from carnatic_sep import Separator

    frames = int(options.stems_seconds * rate) // len(rendered)
    middles = [piece[:, (piece.shape[1] - frames) // 2 :][:, :frames] for piece in rendered]
    separator = Separator("default")
    ours = _levels(separator.separate(np.concatenate(middles, axis=1), rate))
    if options.concert_stems is None:
        places = np.linspace(0, real.shape[1] - frames, len(rendered)).astype(int)
        excerpt = np.concatenate([real[:, at : at + frames] for at in places], axis=1)
        concert = _levels(separator.separate(excerpt, rate))
    else:
        span = (
            slice(None, real.shape[1]) if options.half == "first" else slice(-real.shape[1], None)
        )
        files = {name: next(options.concert_stems.glob(f"{name}.*")) for name in ours}
        concert = _levels({name: read_audio(path)[0][:, span] for name, path in files.items()})
    for stem in ("violin", "mridangam", "other"):
        _row(f"{stem} over vocals, as separated (dB)", concert[stem], ours[stem], "stems")


def _levels(stems: dict[str, np.ndarray]) -> dict[str, float]:
    """Return the RMS of each stem in dB over that of the vocals."""
    power = {name: float(np.mean(np.square(sound))) + 1e-12 for name, sound in stems.items()}
    return {name: 10 * np.log10(each / power["vocals"]) for name, each in power.items()}


def _print_classifier(real: np.ndarray, rendered: list[np.ndarray], rate: int) -> None:
    """Train on half of the concert's stretch and half of the pieces, test on the others."""
    first, names = patches(real[:, : real.shape[1] // 2], rate)
    second, _ = patches(real[:, real.shape[1] // 2 :], rate)
    described = [patches(piece, rate)[0] for piece in rendered]
    half = len(described) // 2
    ours = [np.concatenate(described[:half]), np.concatenate(described[half:])]
    folds = [(first, ours[0], second, ours[1]), (second, ours[1], first, ours[0])]
    scores, weights = [], []
    for train_real, train_ours, test_real, test_ours in folds:
        x = np.concatenate([train_real, train_ours])
        y = np.repeat([1.0, 0.0], [len(train_real), len(train_ours)])
        mean, scale = x.mean(axis=0), x.std(axis=0) + 1e-6
        weight, bias = _fit((x - mean) / scale, y)
        right = [
            float(np.mean(((test - mean) / scale @ weight + bias > 0) == wanted))
            for test, wanted in ((test_real, True), (test_ours, False))
        ]
        scores.append(np.mean(right))
        weights.append(weight)
    print(
        f"\nclassifier: {100 * np.mean(scores):.1f} % of seconds told apart "
        f"(two folds, classes weighted alike, chance 50 %); {len(first) + len(second)} seconds of "
        f"concert, {sum(map(len, described))} rendered"
    )
    weight = np.mean(weights, axis=0)
    all_real, all_ours = np.concatenate([first, second]), np.concatenate(ours)
    for index in np.argsort(-np.abs(weight))[:3]:
        print(
            f"  leans on {names[index]}: {all_real[:, index].mean():.1f} in the concert, "
            f"{all_ours[:, index].mean():.1f} rendered (dB)"
        )


def _fit(x: np.ndarray, y: np.ndarray, *, penalty: float = 0.02) -> tuple[np.ndarray, float]:
    """Logistic regression with classes of equal weight and an L2 penalty."""
    from scipy.optimize import minimize

    balance = np.where(y > 0.5, 0.5 / np.mean(y), 0.5 / np.mean(1 - y)) / len(y)
    sign = 2 * y - 1

    def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        margin = sign * (x @ parameters[:-1] + parameters[-1])
        value = np.sum(balance * np.logaddexp(0, -margin))
        slope = -balance * sign / (1 + np.exp(np.clip(margin, -50, 50)))
        gradient = np.append(x.T @ slope, slope.sum())
        gradient[:-1] += penalty * parameters[:-1]
        return value + 0.5 * penalty * np.sum(parameters[:-1] ** 2), gradient

    found = minimize(loss, np.zeros(x.shape[1] + 1), jac=True, method="L-BFGS-B")
    return found.x[:-1], float(found.x[-1])


def _draw(real: Portrait, ours: Portrait, path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 3, figsize=(11, 3.4), layout="constrained")
    panels = (("spectrum", "share of power (dB)"), ("width", "side over mid (dB)"))
    for axis, (name, label) in zip(axes, panels, strict=False):
        for portrait, title in ((real, "concert"), (ours, "rendered")):
            axis.semilogx(BANDS_HZ, getattr(portrait, name), marker="o", label=title)
        axis.set(xlabel="Hz", ylabel=label)
        axis.legend()
    for portrait, title in ((real, "concert"), (ours, "rendered")):
        axes[2].plot((5, 25, 50, 75, 95), portrait.levels, marker="o", label=title)
    axes[2].set(xlabel="% of 50 ms blocks below", ylabel="level over the mean (dB)")
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
