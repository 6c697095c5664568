"""The engine with models whose answer is known."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from carnatic_sep.errors import CarnaticSepError, UnknownNameError, UsageError
from carnatic_sep.models.base import SeparationModel
from carnatic_sep.models.registry import build
from carnatic_sep.separation.separator import Separator, separate


def noise(channels, frames, seed=0):
    rng = np.random.default_rng(seed)
    return rng.uniform(-0.9, 0.9, (channels, frames)).astype(np.float32)


def decibels(residual):
    return 20 * np.log10(max(float(np.abs(residual).max()), 1e-12))


def shifted_gains(mixture):
    """Something that does not sum to the mixture, and leaks a constant."""
    return torch.stack([mixture * 0.5 + 0.01, mixture.flip(-1) * 0.3], dim=1)


@settings(deadline=None, max_examples=20)
@given(
    segment_seconds=st.floats(0.002, 0.3),
    overlap=st.floats(0.0, 0.9),
    frames=st.integers(1, 3000),
    channels=st.integers(1, 2),
)
def test_identity_at_any_segment_overlap_and_length(
    known_model, segment_seconds, overlap, frames, channels
):
    separator = Separator(
        known_model(), segment_seconds=segment_seconds, overlap=overlap, device="cpu"
    )
    audio = noise(channels, frames)
    stems = separator.separate(audio, 8000)
    np.testing.assert_allclose(stems["vocals"], audio, rtol=0, atol=1e-6)
    for name in ("violin", "mridangam", "other"):
        np.testing.assert_allclose(stems[name], 0, rtol=0, atol=1e-6)


@settings(deadline=None, max_examples=12)
@given(
    sample_rate=st.sampled_from([8000, 11025, 44100, 48000, 96000, 192000]),
    frames=st.integers(1, 9000),
    channels=st.integers(1, 2),
    names=st.sampled_from([("vocals", "other"), ("vocals", "violin")]),
)
def test_stems_sum_to_the_input_at_any_rate_and_keep_its_shape(
    known_model, sample_rate, frames, channels, names
):
    model = known_model(shifted_gains, stems=names, sample_rate=16000)
    audio = noise(channels, frames)
    stems = Separator(model, device="cpu").separate(audio, sample_rate)
    assert all(stem.shape == audio.shape and stem.dtype == np.float32 for stem in stems.values())
    assert decibels(sum(stems.values()) - audio) < -110


def test_what_the_models_band_cannot_hold_goes_to_other(known_model):
    seconds = np.arange(48000) / 48000
    low = 0.3 * np.sin(2 * np.pi * 500 * seconds).astype(np.float32)
    high = 0.3 * np.sin(2 * np.pi * 15000 * seconds).astype(np.float32)
    model = known_model(sample_rate=16000)
    stems = Separator(model, device="cpu").separate(low + high, 48000)
    inner = slice(4800, -4800)
    assert decibels((stems["vocals"] - low)[inner]) < -60
    assert decibels((stems["other"] - high)[inner]) < -60


def test_resampled_stems_are_aligned_with_the_input(known_model):
    click = np.zeros(44100, dtype=np.float32)
    click[20000] = 0.9
    stems = Separator(known_model(sample_rate=22050), device="cpu").separate(click, 44100)
    assert abs(int(np.abs(stems["vocals"]).argmax()) - 20000) <= 1


def test_shares_of_the_residual(known_model):
    model = known_model(lambda x: torch.zeros(len(x), 2, *x.shape[1:]), stems=("vocals", "other"))
    audio = noise(1, 1000)
    equal = Separator(model, device="cpu").separate(audio, 8000)
    np.testing.assert_allclose(equal["vocals"], audio / 2, atol=1e-7)
    uneven = Separator(model, device="cpu", residual_shares={"other": 3, "voice": 1})
    np.testing.assert_allclose(uneven.separate(audio, 8000)["other"], 0.75 * audio, atol=1e-6)
    with pytest.raises(UsageError, match="residual shares"):
        Separator(model, device="cpu", residual_shares={"other": 0})


def test_a_model_of_one_stem_gets_other_as_the_rest(known_model):
    model = known_model(lambda x: 0.25 * x[:, None], stems=("vocals",))
    audio = noise(2, 3000)
    stems = Separator(model, device="cpu").separate(audio, 8000)
    np.testing.assert_allclose(stems["vocals"], audio * 0.25, atol=1e-6)
    np.testing.assert_allclose(stems["other"], audio * 0.75, atol=1e-6)


def test_mono_through_a_stereo_model_is_doubled_and_averaged(known_model):
    def panned(mixture):
        sides = mixture * torch.tensor([0.2, 0.6]).reshape(1, 2, 1)
        return torch.stack([sides, mixture - sides], dim=1)

    model = known_model(panned, stems=("vocals", "other"), channels=2)
    audio = noise(1, 2000)
    stems = Separator(model, device="cpu").separate(audio, 8000)
    assert all(shape[1] == 2 for shape in model.shapes)
    np.testing.assert_allclose(stems["vocals"], 0.4 * audio, atol=1e-6)


def test_stereo_through_a_mono_model_keeps_the_channels_apart(known_model):
    model = known_model(channels=1)
    audio = noise(2, 2000)
    stems = Separator(model, device="cpu").separate(audio, 8000)
    assert all(shape[1] == 1 for shape in model.shapes)
    np.testing.assert_allclose(stems["vocals"], audio, atol=1e-6)


def test_channels_that_do_not_fit_are_refused(known_model):
    with pytest.raises(UsageError, match="--downmix"):
        Separator(known_model(channels=2), device="cpu").separate(noise(3, 500), 8000)


@pytest.mark.parametrize("sample_rate", [8000, 44100])
def test_silence_stays_exactly_silent_even_if_the_model_hums(known_model, sample_rate):
    model = known_model(lambda x: torch.full((len(x), 4, *x.shape[1:]), float("nan")))
    audio = np.zeros((2, 5000), dtype=np.float32)
    stems = Separator(model, device="cpu").separate(audio, sample_rate)
    assert all(not stem.any() for stem in stems.values())


def test_a_model_that_answers_nan_is_named_with_the_place(known_model):
    def breaks(mixture):
        return torch.full((len(mixture), 4, *mixture.shape[1:]), float("nan"))

    audio = noise(1, 9600)
    audio[:, :8000] = 0
    with pytest.raises(CarnaticSepError, match=r"known .*near 00:00:00\.9.*--precision fp32"):
        Separator(known_model(breaks), device="cpu", precision="bf16").separate(audio, 8000)
    with pytest.raises(CarnaticSepError, match=r"near 00:00:00\.9.*bring the audio near full"):
        Separator(known_model(breaks), device="cpu", precision="fp32").separate(audio, 8000)


@pytest.mark.parametrize("sample_rate", [8000, 16000])
def test_nan_in_the_audio_is_refused_with_its_time(known_model, sample_rate):
    audio = noise(1, 3 * sample_rate)
    audio[0, 2 * sample_rate + sample_rate // 2] = np.inf
    with pytest.raises(CarnaticSepError, match=r"00:00:02\.5"):
        Separator(known_model(), device="cpu").separate(audio, sample_rate)


def test_memory_that_runs_out_halves_the_batch_and_says_so(known_model):
    class Watcher:
        def __init__(self):
            self.warnings = []

        def update(self, *, done_seconds, total_seconds):
            raise AssertionError("only files have progress")

        def warn(self, message):
            self.warnings.append(message)

    model = known_model()

    def hungry(mixture):
        if len(mixture) > 2:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return model.first_takes_all(mixture)

    model.formula = hungry
    separator = Separator(model, device="cpu", batch_size=8)
    audio, watcher = noise(1, 20000), Watcher()
    pieces = separator.stream_with_mixture([audio], sample_rate=8000, channels=1, progress=watcher)
    vocals = np.concatenate([stems[0] for _, stems in pieces], axis=-1)
    np.testing.assert_allclose(vocals, audio, atol=1e-6)
    assert [message[-12:] for message in watcher.warnings] == ["batches of 4", "batches of 2"]
    assert sum(shape[0] > 2 for shape in model.shapes) == 2


def test_memory_that_never_suffices_names_the_remedy(known_model):
    def insatiable(mixture):
        raise torch.cuda.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(CarnaticSepError, match=r"single segment of 0\.1 s.*--segment"):
        Separator(known_model(insatiable), device="cpu", batch_size=4).separate(noise(1, 900), 8000)


def test_errors_of_the_network_itself_are_not_taken_for_lack_of_memory(known_model):
    def broken(mixture):
        raise RuntimeError("shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="multiplied"):
        Separator(known_model(broken), device="cpu").separate(noise(1, 900), 8000)


def test_streamed_and_whole_results_are_the_same_bytes(known_model):
    model = known_model(shifted_gains, stems=("vocals", "other"), sample_rate=16000)
    separator = Separator(model, device="cpu")
    audio = noise(2, 30000)
    whole = separator.separate(audio, 44100)
    blocks = np.split(audio, [10, 5000, 5001, 20000], axis=1)
    pieces = list(separator.stream(blocks, sample_rate=44100, channels=2))
    for name, stem in whole.items():
        joined = np.concatenate([piece[name] for piece in pieces], axis=-1)
        assert joined.tobytes() == stem.tobytes()


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_network_gives_the_same_bytes_twice_and_rounds_alike_in_any_batch(precision):
    torch.manual_seed(0)
    config = {"widths": [4, 4, 8], "dual_path_layers": 1, "n_fft": 512, "hop_frames": 256}
    model = build("scnet", sample_rate=8000, segment_seconds=0.5, **config)
    audio = noise(2, 15000)

    def run(batch_size):
        separator = Separator(model, device="cpu", batch_size=batch_size, precision=precision)
        return np.stack(list(separator.separate(audio, 11025).values()))

    assert run(2).tobytes() == run(2).tobytes()
    np.testing.assert_allclose(run(3), run(1), atol=1e-6 if precision == "fp32" else 2e-2)
    np.testing.assert_allclose(run(1).sum(axis=0), audio, atol=1e-6)


def test_a_callers_buffer_may_be_reused_between_blocks(known_model):
    audio = noise(1, 4000)

    def blocks():
        buffer = np.empty((1, 50), dtype=np.float32)
        for start in range(0, 4000, 50):
            buffer[...] = audio[:, start : start + 50]
            yield buffer

    pieces = Separator(known_model(), device="cpu").stream(blocks(), sample_rate=8000, channels=1)
    vocals = np.concatenate([piece["vocals"] for piece in pieces], axis=-1)
    np.testing.assert_allclose(vocals, audio, atol=1e-6)


def test_one_dimensional_audio_comes_back_one_dimensional(known_model):
    audio = noise(1, 1234)[0]
    stems = separate(audio, 8000, model=known_model())
    assert stems["vocals"].shape == (1234,)
    assert separate(audio[:0], 8000, model=known_model())["violin"].shape == (0,)


@pytest.mark.parametrize(
    ("audio", "sample_rate", "remedy"),
    [
        (np.zeros((500, 2), np.float32), 8000, "channels, frames"),
        (np.zeros((1, 2, 3), np.float32), 8000, "channels, frames"),
        (np.zeros(500, np.float32), 4000, "8000"),
        (np.zeros(500, np.float32), 384000, "192000"),
        (np.zeros(500, np.float32), float("nan"), "whole Hz"),
        (np.zeros(500, np.float32), 44100.5, "whole Hz"),
        (np.zeros(500, np.float32), 0, "8000"),
        (np.zeros(500, np.float32), "44100", "whole Hz"),
        (np.zeros(500, np.float32), None, "whole Hz"),
        (np.zeros((0, 500), np.float32), 8000, "channels, frames"),
        (np.float32(0.5), 8000, "channels, frames"),
        (np.zeros(500, np.int16), 8000, "int16 numbers.*full scale.*divide"),
        (np.zeros(500, bool), 8000, "bool numbers"),
        (np.zeros(500, np.complex64), 8000, "complex64"),
        ([[0.5], [0.5, 0.5]], 8000, "give an array"),
        ("concert.mp3", 8000, "a path"),
        (None, 8000, "object"),
        (np.ma.masked_array(np.zeros(9, np.float32), mask=[1] + [0] * 8), 8000, "masked samples"),
    ],
)
def test_audio_of_another_shape_or_rate_is_refused(known_model, audio, sample_rate, remedy):
    with pytest.raises(UsageError, match=remedy):
        Separator(known_model(), device="cpu").separate(audio, sample_rate)


@pytest.mark.parametrize(
    "make",
    [
        lambda audio: audio.tolist(),
        lambda audio: audio.astype(np.float64),
        lambda audio: audio.astype(">f4"),
        np.asfortranarray,
        lambda audio: np.repeat(audio, 2, axis=1)[:, ::2],
        lambda audio: np.frombuffer(audio.tobytes(), np.float32).reshape(audio.shape),  # read-only
        lambda audio: torch.from_numpy(audio).requires_grad_(),
        lambda audio: torch.from_numpy(audio).bfloat16(),
    ],
)
def test_audio_in_any_memory_layout_gives_the_same_and_stays_as_it_was(known_model, make):
    separator = Separator(known_model(shifted_gains, stems=("vocals", "other")), device="cpu")
    audio = np.round(noise(2, 3000) * 100) / 128  # which 8 bits hold
    wanted = separator.separate(audio, 8000)
    given = make(audio.copy())
    found = separator.separate(given, 8000.0)
    assert all((found[name] == wanted[name]).all() for name in wanted)
    kept = given.detach().float() if isinstance(given, torch.Tensor) else given
    assert (np.asarray(kept, dtype=np.float32) == audio).all()


def test_threads_may_share_a_separator_and_processes_may_get_one():
    torch.manual_seed(0)
    config = {"widths": [4, 4, 8], "dual_path_layers": 1, "n_fft": 512, "hop_frames": 256}
    model = build("scnet", sample_rate=8000, segment_seconds=0.5, **config)
    separator = Separator(model, device="cpu")
    inputs = [noise(2, 9000, seed) for seed in range(3)]
    wanted = [separator.separate(audio, 8000) for audio in inputs]
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda audio: separator.separate(audio, 8000), inputs))
    found.append(pickle.loads(pickle.dumps(separator)).separate(inputs[0], 8000))
    for stems, expected in zip(found, [*wanted, wanted[0]], strict=True):
        assert all((stems[name] == expected[name]).all() for name in expected)


def test_options_that_cannot_be_met(known_model):
    with pytest.raises(UnknownNameError, match="cuda"):
        Separator(known_model(), device="cida")
    with pytest.raises(UnknownNameError, match="bf16"):
        Separator(known_model(), device="cpu", precision="bf15")  # type: ignore[arg-type]
    for seconds in (float("nan"), 0.0, 1e9):
        with pytest.raises(UsageError, match="--segment"):
            Separator(known_model(), device="cpu", segment_seconds=seconds)
    with pytest.raises(UsageError, match="batch size"):
        Separator(known_model(), device="cpu", batch_size=0)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"model": None}, "model None: give a model's name"),
        ({"model": 5}, "model 5: give"),
        ({"model": SeparationModel}, "SeparationModel"),
        ({"device": None}, "device 'None'"),
        ({"precision": None}, "precision 'None'"),
        ({"batch_size": 1.5}, "batch size 1.5: give a whole number"),
        ({"batch_size": "2"}, "batch size '2'"),
        ({"batch_size": True}, "batch size True"),
        ({"segment_seconds": "6"}, "--segment 6: give a length"),
        ({"overlap": "a"}, "--overlap a: give a fraction"),
        ({"residual_shares": [1.0]}, r"residual shares \[1.0\]: give stems and numbers"),
        ({"residual_shares": {"other": "all"}}, "residual shares .*: give numbers"),
    ],
)
def test_options_of_a_nonsense_type_are_told_what_is_accepted(known_model, options, said):
    with pytest.raises(UsageError, match=said):
        Separator(**{"model": known_model(), "device": "cpu", **options})


def test_a_device_of_torch_is_a_device(known_model):
    assert Separator(known_model(), device=torch.device("cpu")).device.type == "cpu"


@pytest.mark.parametrize(
    ("blocks", "channels", "said"),
    [
        (None, 1, "blocks of NoneType"),
        ([], None, "channels None"),
        ([], 0, "channels 0"),
        ([np.zeros(5, np.float32)], 1, "block of shape"),
        ([np.zeros((1, 5), np.int16)], 1, "int16"),
    ],
)
def test_streams_of_nonsense_are_refused(known_model, blocks, channels, said):
    pieces = Separator(known_model(), device="cpu").stream(
        blocks, sample_rate=8000, channels=channels
    )
    with pytest.raises(UsageError, match=said):
        list(pieces)


def test_a_stream_of_single_frames_and_of_nothing_is_a_stream(known_model):
    separator = Separator(known_model(shifted_gains, stems=("vocals", "other")), device="cpu")
    audio = noise(2, 700)
    wanted = separator.separate(audio, 11025)
    cuts = [audio[:, :0], *(audio[:, at : at + 1] for at in range(700)), audio[:, 700:]]
    pieces = list(separator.stream(cuts, sample_rate=11025, channels=2))
    for name, stem in wanted.items():
        assert (np.concatenate([piece[name] for piece in pieces], axis=1) == stem).all()


def test_what_float32_cannot_hold_is_told_as_infinite(known_model):
    audio = np.zeros((1, 4000))
    audio[0, 2000] = 1e39
    with pytest.raises(CarnaticSepError, match=r"NaN or infinite sample at 00:00:00\.25?"):
        Separator(known_model(), device="cpu").separate(audio, 8000)
