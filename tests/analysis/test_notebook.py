"""The notebook of the tutorial runs from start to end, and finds what was rendered."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).parents[2] / "docs" / "tutorial" / "analysis.ipynb"


def _text(notebook) -> str:
    outputs = [out for cell in notebook.cells for out in cell.get("outputs", [])]
    return "".join(out.get("text", "") for out in outputs)


def test_the_notebook_is_small_and_shows_its_pictures() -> None:
    nbformat = pytest.importorskip("nbformat")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    assert NOTEBOOK.stat().st_size < 200_000
    pictures = [
        out
        for cell in notebook.cells
        for out in cell.get("outputs", [])
        if "image/png" in out.get("data", {})
    ]
    assert len(pictures) == 3
    assert "/home/" not in NOTEBOOK.read_text(encoding="utf-8")


# ZeroMQ and the event loop warn about each other on some systems.
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::RuntimeWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_the_notebook_runs(tmp_path, monkeypatch) -> None:
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    pytest.importorskip("essentia")
    pytest.importorskip("jams")
    root = NOTEBOOK.parents[2]
    monkeypatch.setenv("PYTHONPATH", str(root))  # the kernel is another process, elsewhere
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    for cell in notebook.cells:
        cell.pop("outputs", None) if cell.cell_type != "code" else cell.update(outputs=[])
    nbclient.NotebookClient(
        notebook,
        timeout=240,
        kernel_name="python3",
        resources={"metadata": {"path": str(tmp_path)}},
    ).execute()
    text = _text(notebook)
    rendered = float(re.search(r"Sa ([\d.]+) Hz, \d+ strokes", text)[1])
    heard = float(re.search(r"Sa ([\d.]+) Hz \(confidence", text)[1])
    assert heard == pytest.approx(rendered, rel=0.01)
    off = float(re.search(r"sum off by ([\d.e+-]+)", text)[1])
    assert off < 1e-4
    played = int(re.search(r", (\d+) strokes of the mridangam", text)[1])
    struck = int(re.search(r"(\d+) strokes, \d+ aksharas", text)[1])
    assert 0.5 * played < struck < 1.5 * played
    assert "picture.png" in text
