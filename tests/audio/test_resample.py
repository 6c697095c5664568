from __future__ import annotations

import numpy as np
import pytest
import soxr
from hypothesis import example, given
from hypothesis import strategies as st

from carnatic_sep.audio.resample import StreamResampler, output_frames

RATES = (8000, 11025, 16000, 22050, 44100, 48000, 96000, 192000)


def resample(audio, input_rate, output_rate, blocks=(65536,), **options):
    stream = StreamResampler(len(audio), input_rate, output_rate, **options)
    pieces, start, turn = [], 0, 0
    while start < audio.shape[1]:
        size = blocks[turn % len(blocks)]
        pieces.append(stream.push(audio[:, start : start + size]))
        start, turn = start + size, turn + 1
    pieces.append(stream.flush())
    return np.concatenate(pieces, axis=1)


@given(
    frames=st.integers(0, 4000),
    channels=st.integers(1, 3),
    input_rate=st.sampled_from(RATES),
    output_rate=st.sampled_from(RATES),
    blocks=st.lists(st.integers(1, 1500), min_size=1, max_size=3),
)
@example(frames=1, channels=1, input_rate=192000, output_rate=8000, blocks=[1])
@example(frames=1, channels=2, input_rate=8000, output_rate=192000, blocks=[1])
def test_length_is_exact_and_blocks_do_not_matter(
    frames, channels, input_rate, output_rate, blocks
):
    noise = np.random.default_rng(frames).uniform(-1, 1, (channels, frames)).astype(np.float32)
    result = resample(noise, input_rate, output_rate, blocks)
    assert result.dtype == np.float32
    assert result.shape == (channels, output_frames(frames, input_rate, output_rate))
    np.testing.assert_array_equal(result, resample(noise, input_rate, output_rate))
    back = output_frames(result.shape[1], output_rate, input_rate)
    assert back >= frames


@pytest.mark.parametrize(
    ("input_rate", "output_rate"), [(44100, 48000), (48000, 44100), (44100, 8000), (8000, 192000)]
)
def test_equals_soxr_on_the_whole_signal(input_rate, output_rate):
    noise = np.random.default_rng(0).uniform(-1, 1, (2, 30001)).astype(np.float32)
    whole = soxr.resample(np.ascontiguousarray(noise.T), input_rate, output_rate).T
    ours = resample(noise, input_rate, output_rate, (777,))
    assert 0 <= ours.shape[1] - whole.shape[1] <= 1  # soxr rounds to nearest, we round up
    np.testing.assert_array_equal(ours[:, : whole.shape[1]], whole)


@pytest.mark.parametrize("input_rate", RATES)
@pytest.mark.parametrize("output_rate", RATES)
def test_a_sine_stays_where_it_was_in_time(input_rate, output_rate):
    seconds, hertz = 0.4, 1000.0  # a whole number of frames at every rate

    def sine(rate):
        time = np.arange(round(seconds * rate)) / rate
        return np.sin(2 * np.pi * hertz * time + 0.3)[None].astype(np.float32)

    result = resample(sine(input_rate), input_rate, output_rate, (1000,))
    expected = sine(output_rate)
    assert result.shape == expected.shape
    middle = slice(output_rate // 8, 3 * output_rate // 8)
    error = result[:, middle] - expected[:, middle]
    assert 20 * np.log10(np.abs(error).max() + 1e-12) < -90  # 1 sample late at 192 kHz: -30 dB


def test_what_cannot_be_represented_is_removed():
    time = np.arange(44100) / 44100
    high = np.sin(2 * np.pi * 15000 * time)[None].astype(np.float32)
    low = resample(high, 44100, 16000)
    assert np.abs(low[:, 1000:-1000]).max() < 1e-4


def test_equal_rates_pass_the_very_same_array():
    block = np.ones((2, 100), dtype=np.float32)
    stream = StreamResampler(2, 44100, 44100)
    assert stream.push(block) is block
    assert stream.flush().shape == (2, 0)


@pytest.mark.parametrize("shape", [(100,), (1, 100), (3, 100)])
def test_another_number_of_channels_is_refused(shape):
    with pytest.raises(ValueError, match="expected"):
        StreamResampler(2, 44100, 48000).push(np.zeros(shape, dtype=np.float32))
