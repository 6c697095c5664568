"""From a path to the decoder that knows the file, or to the reason why none does."""

from __future__ import annotations

from pathlib import Path

from carnatic_sep.audio import sniff
from carnatic_sep.audio.info import MAX_SAMPLE_RATE, MIN_SAMPLE_RATE, AudioInfo, Decoder
from carnatic_sep.errors import AudioReadError


def check_info(info: AudioInfo) -> AudioInfo:
    """Return `info` if the package can work with such a file.

    Raises
    ------
    AudioReadError
        Zero length or a sample rate out of range.
    """
    if info.frames == 0 or info.channels == 0:
        raise zero_length(info.path)
    if not MIN_SAMPLE_RATE <= info.sample_rate <= MAX_SAMPLE_RATE:
        raise AudioReadError(
            f"{info.path}: the sample rate is {info.sample_rate} Hz; 8000 to 192000 Hz can be "
            "used. Convert the file to a rate in that range."
        )
    return info


def open_decoder(path: Path) -> Decoder:
    """Open `path` with the decoder that knows it.

    Raises
    ------
    AudioReadError
        No decoder does; the message says what the file seems to be and what would help.
    """
    import soundfile

    from carnatic_sep.audio.decode_soundfile import SoundfileDecoder

    try:
        if path.is_dir():
            raise AudioReadError(f"{path}: this is a directory; name an audio file in it instead.")
        if path.stat().st_size == 0:
            raise AudioReadError(f"{path}: the file is empty (0 bytes); copy or download it again.")
        start = sniff.head(path)
    except FileNotFoundError as error:
        raise AudioReadError(f"{path}: there is no such file; check the name.") from error
    except (OSError, ValueError) as error:
        raise AudioReadError(
            f"{path}: the file cannot be opened ({error}); check its name and permissions."
        ) from error
    try:
        return SoundfileDecoder(path)
    # TypeError is soundfile's answer to a name that ends in .raw.
    except (soundfile.LibsndfileError, TypeError) as error:
        return _open_foreign(path, start, error)


def _open_foreign(path: Path, start: bytes, refusal: Exception) -> Decoder:
    """Try what libsndfile refused, or say what the matter is."""
    from carnatic_sep.audio import decode_pyav

    excerpt = sniff.text_excerpt(start)
    if excerpt is not None:
        raise AudioReadError(
            f"{path}: this is text ({excerpt!r}), not audio, whatever its name says; if a web page "
            "was saved instead of the recording, download the recording again."
        ) from refusal
    kind = sniff.kind(path, start)
    if kind is None:
        raise AudioReadError(
            f"{path}: no audio format is recognised in this file; name a WAV, FLAC, Ogg, Opus, MP3 "
            "or M4A file, or export it to one of these."
        ) from refusal
    if kind == "FLAC":
        raise AudioReadError(
            f"{path}: the file begins like FLAC but holds no audio that decodes (zero length, or "
            "damaged); copy or export it again."
        ) from refusal
    if not decode_pyav.available():
        raise AudioReadError(
            f"{path}: the file looks like {kind}, and its codec needs PyAV: "
            'pip install "carnatic-sep[m4a]", or convert the file to WAV or FLAC.'
        ) from refusal
    import av

    try:
        return decode_pyav.PyavDecoder(path)
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise AudioReadError(
            f"{path}: the file looks like {kind} but cannot be decoded ({error}): it is damaged, "
            "incomplete, or its codec is unknown. Copy it again, or convert it to WAV or FLAC."
        ) from error


def zero_length(path: Path) -> AudioReadError:
    """Make the error of a file without a single frame."""
    return AudioReadError(
        f"{path}: the file holds no audio (zero length); record or export it again. If a recorder "
        "was interrupted before it wrote the length, ffmpeg -ignore_length 1 may rescue the sound."
    )
