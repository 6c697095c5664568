"""The formats that stems are written in, and what each can hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from carnatic_sep.errors import UnknownNameError, UsageError

FormatName = Literal["wav", "flac", "ogg", "mp3", "opus"]
BitDepth = Literal["16", "24", "32f"]

_RATES: dict[str, tuple[int, ...]] = {
    "opus": (8000, 12000, 16000, 24000, 48000),
    "mp3": (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000),
}
_CHANNELS = {"mp3": 2, "flac": 8, "opus": 8}


@dataclass(frozen=True)
class OutputFormat:
    """A file format and, for WAV and FLAC, its sample format.

    Parameters
    ----------
    name : ``wav``, ``flac``, ``ogg`` (Vorbis), ``mp3`` or ``opus``
    bit_depth : ``16``, ``24`` or ``32f`` (WAV only); the lossy formats take no notice of it

    Raises
    ------
    UsageError
        A name or depth that does not exist, or FLAC in floating point.
    """

    name: FormatName = "flac"
    bit_depth: BitDepth = "24"

    def __post_init__(self) -> None:
        if self.name not in get_args(FormatName):
            raise UnknownNameError("audio format", str(self.name), list(get_args(FormatName)))
        if self.bit_depth not in get_args(BitDepth):
            raise UnknownNameError("bit depth", str(self.bit_depth), list(get_args(BitDepth)))
        if self.name == "flac" and self.bit_depth == "32f":
            raise UsageError(
                "FLAC holds integers only; choose --bit-depth 24, or --format wav for 32f."
            )

    @property
    def extension(self) -> str:
        """Suffix of the files, without the dot."""
        return self.name

    @property
    def lossy(self) -> bool:
        """Whether the format throws something away."""
        return self.name in ("ogg", "mp3", "opus")

    @property
    def bits(self) -> int | None:
        """Bits of an integer sample; None for floating point and the lossy formats."""
        return None if self.lossy or self.bit_depth == "32f" else int(self.bit_depth)

    def check(self, sample_rate: int, channels: int) -> None:
        """Make sure that the format can hold such audio.

        Raises
        ------
        UsageError
            It cannot; the message names a format that can.
        """
        rates = _RATES.get(self.name)
        if rates is not None and sample_rate not in rates:
            raise UsageError(
                f"{self.name} has no {sample_rate} Hz, only {', '.join(map(str, rates))} Hz, and "
                "stems keep the sample rate of their input; choose --format flac, wav or ogg, or "
                "convert the input to one of these rates first."
            )
        limit = _CHANNELS.get(self.name)
        if limit is not None and channels > limit:
            raise UsageError(
                f"{self.name} holds at most {limit} channels, not {channels}; choose --format wav."
            )
