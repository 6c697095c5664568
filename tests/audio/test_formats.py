from __future__ import annotations

import pytest

from carnatic_sep.audio.formats import OutputFormat
from carnatic_sep.errors import UnknownNameError, UsageError


def test_the_default_is_24_bit_flac():
    chosen = OutputFormat()
    assert (chosen.name, chosen.bit_depth, chosen.extension) == ("flac", "24", "flac")
    assert chosen.bits == 24
    assert not chosen.lossy


@pytest.mark.parametrize(("name", "bits"), [("wav", None), ("mp3", None), ("ogg", None)])
def test_what_has_no_integers(name, bits):
    assert OutputFormat(name=name, bit_depth="32f").bits is bits


def test_flac_in_floating_point():
    with pytest.raises(UsageError, match="--format wav"):
        OutputFormat(name="flac", bit_depth="32f")


def test_unknown_names_suggest_known_ones():
    with pytest.raises(UnknownNameError, match="flac"):
        OutputFormat(name="flak")
    with pytest.raises(UnknownNameError, match="32f"):
        OutputFormat(name="wav", bit_depth="32")


@pytest.mark.parametrize(("name", "rate"), [("opus", 44100), ("opus", 96000), ("mp3", 96000)])
def test_rates_that_a_codec_lacks(name, rate):
    with pytest.raises(UsageError, match=rf"{name} has no {rate} Hz.*48000.*--format flac"):
        OutputFormat(name=name).check(rate, 2)


@pytest.mark.parametrize(("name", "channels"), [("mp3", 3), ("flac", 9)])
def test_channels_that_a_codec_lacks(name, channels):
    with pytest.raises(UsageError, match=f"not {channels}"):
        OutputFormat(name=name).check(44100, channels)


@pytest.mark.parametrize("name", ["wav", "flac", "ogg"])
@pytest.mark.parametrize("rate", [8000, 11025, 44100, 192000])
def test_rates_that_need_no_thought(name, rate):
    assert OutputFormat(name=name).check(rate, 2) is None
