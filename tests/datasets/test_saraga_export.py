from __future__ import annotations

import numpy as np
import pytest
import soundfile

from carnatic_sep.datasets.multitrack import Artist, Microphone, Multitrack
from carnatic_sep.datasets.saraga import FOLDER
from carnatic_sep.datasets.saraga_export import export_saraga, from_mirdata
from carnatic_sep.errors import DatasetError

RATE = 44100


@pytest.fixture
def track(tmp_path) -> Multitrack:
    rng = np.random.default_rng(0)
    stems = {}
    for name in ("vocals", "violin", "mridangam", "other"):
        path = tmp_path / "in" / f"{name}.wav"
        path.parent.mkdir(exist_ok=True)
        soundfile.write(path, 0.1 * rng.standard_normal((RATE, 2)), RATE, subtype="FLOAT")
        stems[name] = (Microphone(name, path),)
    sama = tmp_path / "in" / "sama.txt"
    sama.write_text("0.25\n0.75\n", encoding="utf-8")
    return Multitrack(
        id="A Concert/A Song",
        concert="A Concert",
        stems=stems,
        artists=(Artist("Somebody", "lead"), Artist("Another", "violin")),
        tonic_hz=146.83,
        raga="Bhairavi",
        tala="Adi",
        annotations={"sama": sama},
        mixture_is_sum_of_stems=True,
    )


def test_saragas_loader_finds_what_was_written(track, tmp_path) -> None:
    export_saraga([track], tmp_path / "home", extension="wav")
    folder = tmp_path / "home" / FOLDER / "A Concert" / "A Song"
    assert (folder / "A Song.multitrack-vocal.wav").is_file()
    assert (folder / "A Song.ctonic.txt").read_text().startswith("146.83")
    vocals, _ = soundfile.read(folder / "A Song.multitrack-vocal.wav", dtype="float32")
    assert np.array_equal(vocals.T, track.read_stem("vocals"))
    mixture, _ = soundfile.read(folder / "A Song.wav", dtype="float32")
    assert np.allclose(mixture.T, track.read_mixture(), atol=1e-6)


def test_mirdata_reads_the_index(track, tmp_path) -> None:
    mirdata = pytest.importorskip("mirdata")
    index = export_saraga([track], tmp_path / "home")
    dataset = mirdata.initialize("saraga_carnatic", data_home=str(tmp_path / "home"))
    dataset.index_path = str(index)
    theirs = dataset.track("A Concert/A Song")
    assert theirs.audio_vocal_path.endswith("A Song.multitrack-vocal.wav")
    assert theirs.tonic == pytest.approx(146.83)
    again = from_mirdata(theirs)
    assert again is not None
    assert set(again.stems) == {"vocals", "violin", "mridangam", "other"}
    assert again.tonic_hz == pytest.approx(146.83)
    assert again.raga == "Bhairavi"
    assert np.array_equal(again.read_stem("violin"), track.read_stem("violin"))


def test_separated_stems_take_the_place_of_recorded_ones(track, tmp_path) -> None:
    separated = tmp_path / "vocals.flac"
    soundfile.write(separated, np.zeros((RATE, 2)), RATE)
    export_saraga([track], tmp_path / "home", stems={track.id: {"vocals": separated}})
    folder = tmp_path / "home" / FOLDER / "A Concert" / "A Song"
    found, _ = soundfile.read(folder / "A Song.multitrack-vocal.flac")
    assert not found.any()


def test_nothing_to_write(tmp_path) -> None:
    with pytest.raises(DatasetError, match="no track"):
        export_saraga([], tmp_path)
