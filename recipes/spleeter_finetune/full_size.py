"""Hold the reader of Spleeter's checkpoints and the network against Spleeter itself, full size.

    python recipes/spleeter_finetune/full_size.py write FOLDER      # where TensorFlow is
    python recipes/spleeter_finetune/full_size.py compare FOLDER    # where this package is

`write` builds Spleeter's own graph of two stems at its full size, gives it random weights and
random statistics of its normalisations, saves them as TensorFlow does, and keeps what the graph
makes of 15 s of noise and tones. `compare` reads the checkpoint without TensorFlow and prints how
far both agree. The two need not share an environment; README.md says how to set up the first.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

RATE = 44100
SECONDS = 15.0
EXPECTED = "expected.npz"


def test_sound() -> np.ndarray:
    """Return two channels of noise that swells under six tones, (frames, 2), peak 0.5."""
    rng = np.random.default_rng(7)
    time = np.arange(round(SECONDS * RATE)) / RATE
    tones = sum(np.sin(2 * np.pi * hz * time + rng.uniform(0, 6)) for hz in (147, 220, 441, 1760))
    high = np.sin(2 * np.pi * 9000 * time) + np.sin(2 * np.pi * 14000 * time)
    noise = rng.standard_normal((len(time), 2)) * (0.2 + np.sin(np.pi * time / SECONDS))[:, None]
    sound = noise + (tones + 0.2 * high)[:, None] * np.array([1.0, 0.7])
    return (0.5 * sound / np.abs(sound).max()).astype(np.float32)


def write(folder: Path) -> None:
    import spleeter.model
    import tensorflow
    from spleeter.utils.configuration import load_configuration

    v1 = tensorflow.compat.v1
    params = load_configuration("spleeter:2stems")
    rng = np.random.default_rng(1)
    with tensorflow.Graph().as_default(), v1.Session() as session:
        provider = spleeter.model.InputProviderFactory.get(params)
        features = provider.get_input_dict_placeholders()
        builder = spleeter.model.EstimatorSpecBuilder(features, params)
        stems = {name: builder.outputs[name] for name in params["instrument_list"]}
        v1.train.get_or_create_global_step()
        session.run(v1.global_variables_initializer())
        for variable in v1.global_variables():
            shape = tuple(variable.shape)
            if "normalization" in variable.name or "bias" in variable.name:
                low, high = (0.5, 1.5) if "gamma" in variable.name else (-0.2, 0.2)
                low, high = (0.3, 3.0) if "variance" in variable.name else (low, high)
                variable.load(rng.uniform(low, high, shape).astype(np.float32), session)
        folder.mkdir(parents=True, exist_ok=True)
        v1.train.Saver().save(session, str(folder / "model"))
        feed = {features["waveform"]: test_sound(), features["audio_id"]: "sound"}
        found, masks = session.run([stems, builder.masks], feed)
        count = sum(int(np.prod(v.shape)) for v in v1.global_variables())
    arrays = {f"stem/{name}": audio for name, audio in found.items()}
    # Of the masks one channel of every fourth column: all of them are 100 MB.
    arrays |= {f"mask/{name}": mask[::4, :, 0] for name, mask in masks.items()}
    np.savez(folder / EXPECTED, **arrays)
    print(f"TensorFlow {tensorflow.__version__}: {count:,} numbers in {folder}")


def snr_db(expected: np.ndarray, found: np.ndarray) -> float:
    error = expected.astype(np.float64) - found
    return float(10 * np.log10(np.sum(expected.astype(np.float64) ** 2) / np.sum(error**2)))


def compare(folder: Path) -> None:
    import torch

    from carnatic_sep.models.spleeter import load_spleeter
    from carnatic_sep.models.unet import analyse

    model = load_spleeter(folder)
    weights = sum(parameter.numel() for parameter in model.parameters())
    print(f"torch {torch.__version__}: {weights:,} weights, stems {', '.join(model.stems)}")
    sound = torch.from_numpy(test_sound().T.copy())[None]
    with torch.inference_mode():
        stems = model(sound)[0].numpy()
        masks = model.masks(analyse(sound).abs())[0].numpy()
    print("| stem | waveform, SNR in dB | largest error (peak) | mask, SNR in dB | largest error |")
    print("|---|---:|---:|---:|---:|")
    with np.load(folder / EXPECTED) as expected:
        for index, name in enumerate(model.stems):
            wave, mask = expected[f"stem/{name}"].T, expected[f"mask/{name}"]
            ours = masks[index, 0, ::4]
            print(
                f"| {name} | {snr_db(wave, stems[index]):.1f} | "
                f"{np.abs(wave - stems[index]).max():.1e} ({np.abs(wave).max():.2f}) | "
                f"{snr_db(mask, ours):.1f} | {np.abs(mask - ours).max():.1e} |"
            )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("step", choices=("write", "compare"))
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    (write if given.step == "write" else compare)(given.folder)


if __name__ == "__main__":
    main()
