"""How fast ensembles are rendered: seconds of sound for each second of this process's CPU time.

    python recipes/benchmark/render.py --bank recordings
    python recipes/benchmark/render.py --bank recordings --violin-variety 0     # one violin
    python recipes/benchmark/render.py                              # by rule, without recordings

CPU time is what the process used, in all its threads, so a machine that does other work at the same
time gives the same figure; run it with one thread (OMP_NUM_THREADS=1) for a figure per core. What
is prepared once (pitch contours, phrases, halls, instruments) is timed by itself.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

from carnatic_sep.datasets.config import DataConfig
from carnatic_sep.ensemble.config import EnsembleConfig
from carnatic_sep.ensemble.orders import make_ensemble

_ENOUGH = 12.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bank", type=Path)
    parser.add_argument("--voice", default="voice/alapana/*", help="which phrases of the bank")
    parser.add_argument("--cache", type=Path, default=Path("runs/cache"))
    parser.add_argument("--pieces", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--bleed", type=float, help="dB; microphones that hear everybody")
    parser.add_argument(
        "--violin-variety", type=float, default=1.0, help="with a bank; 1 is what `render` has"
    )
    options = parser.parse_args()

    started = time.process_time()
    bleed = None if options.bleed is None else (options.bleed, options.bleed)
    variety = 0.0 if options.bank is None else options.violin_variety
    ensemble = make_ensemble(
        bank=options.bank,
        data=DataConfig(voice=[options.voice]),
        cache=options.cache,
        config=EnsembleConfig(bleed_db=bleed, halls=2, violin_variety=variety),
    )
    for seed in range(6):  # both halls, and whatever is made at first use
        ensemble.render(seconds=3.0, seed=1000 + seed)
    print(f"prepared in {time.process_time() - started:.1f} s of CPU")

    factors = []
    for seed in range(options.pieces):
        started = time.process_time()
        rendering = ensemble.render(seconds=options.seconds, seed=seed)
        factors.append(options.seconds / (time.process_time() - started))
        score = rendering.score
        print(f"{seed:4d}  {score.form:13} {score.tala:13} x{factors[-1]:.1f}", flush=True)
    overall = len(factors) / float(np.sum(1.0 / np.array(factors)))
    source = "by rule"
    if options.bank is not None:
        source = f"from recordings, violin variety {variety:g}"
    print(
        f"{source}, {options.seconds:g} s pieces, 44.1 kHz stereo, four stems, hall and mastering"
        f"{'' if bleed is None else ', bleed'}: {overall:.1f} times real time "
        f"(least {min(factors):.1f}, most {max(factors):.1f})"
    )
    if options.bank is None:
        return 0
    print(f"at least {_ENOUGH:g}: {'ok' if overall >= _ENOUGH else 'missed'}")
    return 0 if overall >= _ENOUGH else 1


if __name__ == "__main__":
    raise SystemExit(main())
