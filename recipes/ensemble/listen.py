"""Write a page on which rendered pieces are heard and seen: one HTML file that needs no other.

    carnatic-sep render --pieces 3 --seconds 20 --out renders
    python recipes/ensemble/listen.py renders/* --out listen.html

Each piece has its raga, tala, tempo and tonic, what the violin does, the picture of its score over
its sound, and players for the mixture and every stem. ``--assets DIR`` writes the players' files
there as well, for a page that links to them.
"""

from __future__ import annotations

import argparse
import base64
import html
import io
import sys
import tempfile
from pathlib import Path

import numpy as np
import soundfile

sys.path.insert(0, str(Path(__file__).parent))
from picture import draw

from carnatic_sep.ensemble.score import Score
from carnatic_sep.stems import DEFAULT_STEMS

_HIGHEST_KBPS, _LOWEST_KBPS = 320, 32

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
       color: #222; background: #fff; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.2rem; margin-top: 2.5rem; }
img { max-width: 100%; height: auto; }
.players { display: grid; grid-template-columns: repeat(auto-fit, minmax(17rem, 1fr)); gap: .8rem; }
label { display: block; } audio { width: 100%; height: 34px; }
th { text-align: left; padding-right: 1.5rem; font-weight: 600; vertical-align: top; }
@media (prefers-color-scheme: dark) { body { color: #ddd; background: #16181c; } }
"""

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Rendered kutcheris</title><style>{style}</style></head>
<body><main><h1>Rendered kutcheris</h1>
<p>Nobody plays here: voice, violin, drums and tanpura are made, and the stems sum to the mixture.
Lines and marks in the pictures are the score's, not measured.</p>
{pieces}
</main></body></html>
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pieces", nargs="+", type=Path, help="folders that render wrote")
    parser.add_argument("--out", type=Path, default=Path("listen.html"))
    parser.add_argument("--kbps", type=int, default=64, help="of the players' mp3, 32 to 320")
    parser.add_argument("--assets", type=Path, help="folder that gets the players' files too")
    options = parser.parse_args()
    missing = [str(piece) for piece in options.pieces if not (piece / "score.json").is_file()]
    if missing:
        parser.error(f"no rendered piece (no score.json): {', '.join(missing)}")
    if not _LOWEST_KBPS <= options.kbps <= _HIGHEST_KBPS:
        parser.error(f"--kbps must lie between {_LOWEST_KBPS} and {_HIGHEST_KBPS}")
    pieces = [_piece(piece, options.kbps, options.assets) for piece in options.pieces]
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(_PAGE.format(style=_STYLE, pieces="\n".join(pieces)), encoding="utf-8")
    print(f"{options.out}: {len(pieces)} pieces, {options.out.stat().st_size / 1e6:.1f} MB")
    return 0


def _piece(folder: Path, kbps: int, assets: Path | None) -> str:
    score = Score.from_json((folder / "score.json").read_text(encoding="utf-8"))
    players = []
    for name in ("mixture", *DEFAULT_STEMS):
        coded = _mp3(folder / f"{name}.wav", kbps)
        if assets is not None:
            assets.mkdir(parents=True, exist_ok=True)
            (assets / f"{name}.mp3").write_bytes(coded)
        data = base64.b64encode(coded).decode("ascii")
        players.append(
            f'<label>{name}<audio controls preload="metadata" '
            f'src="data:audio/mpeg;base64,{data}"></audio></label>'
        )
    with tempfile.TemporaryDirectory() as place:
        picture = Path(place) / "score.png"
        draw(folder, picture)
        image = base64.b64encode(picture.read_bytes()).decode("ascii")
    rows = "".join(
        f"<tr><th>{html.escape(key)}</th><td>{html.escape(value)}</td></tr>"
        for key, value in facts(score).items()
    )
    title = html.escape(f"{folder.name}: {score.form} in {score.raga}")
    return (
        f"<section><h2>{title}</h2><table>{rows}</table>"
        f'<div class="players">{"".join(players)}</div>'
        f'<img src="data:image/png;base64,{image}" alt="spectrograms with the score of {title}">'
        "</section>"
    )


def facts(score: Score) -> dict[str, str]:
    """Say in words what a score holds."""
    frame = score.frame
    shadows = [part for part in score.violin_parts if part.role == "shadow"]
    delays = sorted(1000.0 * part.delay_seconds for part in shadows)
    roles = sorted({part.role for part in score.violin_parts} - {"rest"})
    violin = ", ".join(roles) or "rests"
    if delays:
        violin += f"; {delays[0]:.0f} to {delays[-1]:.0f} ms behind the voice"
    drums = sorted({stroke.instrument for stroke in score.strokes})
    metrical = any(section.metrical for section in frame.sections)
    beats = f", {60.0 / frame.beat_seconds:.0f} beats a minute"
    return {
        "form": ", ".join(section.form for section in frame.sections),
        "raga": score.raga,
        "tala": score.tala + beats if metrical else "none here",
        "tonic": f"{score.tonic_hz:.1f} Hz",
        "violin": violin,
        "percussion": f"{', '.join(drums)}; {len(score.strokes)} strokes" if drums else "rests",
        "length": f"{score.seconds:.1f} s",
    }


def _mp3(path: Path, kbps: int) -> bytes:
    """Return a file as mp3, at 32 kHz so that a low rate is spent on what is heard most."""
    import soxr

    audio, rate = soundfile.read(path, dtype="float32", always_2d=True)
    coded = io.BytesIO()
    soundfile.write(
        coded,
        np.clip(soxr.resample(audio, rate, 32000), -1.0, 1.0),
        32000,
        format="MP3",
        subtype="MPEG_LAYER_III",
        compression_level=(_HIGHEST_KBPS - kbps) / (_HIGHEST_KBPS - _LOWEST_KBPS),
        bitrate_mode="CONSTANT",
    )
    return coded.getvalue()


if __name__ == "__main__":
    raise SystemExit(main())
