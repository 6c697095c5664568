"""A batch of separations as a person, a log file or a program wants to see it."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING, Any

from carnatic_sep.cli._terminal import make_console, print_error
from carnatic_sep.separation.estimate import spoken

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.progress import Progress, TaskID

    from carnatic_sep.separation.batch import TrackReport
    from carnatic_sep.separation.estimate import Forecast
    from carnatic_sep.separation.inputs import Track
    from carnatic_sep.separation.tracks import SeparationResult

_SECONDS_BETWEEN_LINES = 5.0
_SECONDS_BETWEEN_EVENTS = 1.0


class QuietDisplay:
    """Errors only, on stderr."""

    wants_forecast = False

    def begin(self, forecast: Forecast) -> None:
        """Say what is ahead."""

    def begin_track(self, track: Track) -> None:
        """Say which track is next."""

    def update(self, *, done_seconds: float, total_seconds: float | None) -> None:
        """Say how far it is."""

    def warn(self, message: str) -> None:
        """Print on stderr what went otherwise than asked."""
        print(f"warning: {message}", file=sys.stderr, flush=True)

    def end_track(self, report: TrackReport) -> None:
        """Print on stderr what failed."""
        if report.error is not None:
            print_error(report.error)

    def end(self, reports: Sequence[TrackReport]) -> None:
        """Sum up."""

    def interrupted(self, partials: Sequence[Path]) -> None:
        """Say on stderr what Ctrl-C left behind."""
        if partials:
            left = f"kept unfinished: {', '.join(map(str, partials))}"
        else:
            left = "no unfinished file was left"
        print(f"interrupted; {left}", file=sys.stderr, flush=True)


class LineDisplay(QuietDisplay):
    """Lines that a log file can keep."""

    wants_forecast = True

    def __init__(self) -> None:
        self._console = make_console()
        self._track = ""
        self._last_line = 0.0

    def begin(self, forecast: Forecast) -> None:
        """Print the length of the audio, and about how long it will take."""
        seconds, estimate = forecast.audio_seconds, forecast.estimate_seconds
        what = f"{spoken(seconds)} of audio" if seconds else "audio of unknown length"
        files = f" in {forecast.files} files" if forecast.files > 1 else ""
        about = f", about {spoken(estimate)}" if estimate else ","
        self._print(f"{what}{files}{about} on {forecast.device}")

    def begin_track(self, track: Track) -> None:
        """Remember which track is meant."""
        self._track = track.name
        self._last_line = time.monotonic()

    def update(self, *, done_seconds: float, total_seconds: float | None) -> None:
        """Print a line every few seconds."""
        now = time.monotonic()
        if now - self._last_line >= _SECONDS_BETWEEN_LINES and total_seconds:
            self._last_line = now
            percent = 100 * done_seconds / total_seconds
            position = f"{_clock(done_seconds)} of {_clock(total_seconds)}"
            self._print(f"{self._track}: {position} ({percent:.0f} %)")

    def end_track(self, report: TrackReport) -> None:
        """Print how it went."""
        super().end_track(report)
        if report.result is not None:
            self._print(f"{report.track.name}: {_summary(report.result)}")
        if report.skipped:
            self._print(f"{report.track.name}: was done before")

    def end(self, reports: Sequence[TrackReport]) -> None:
        """Print a table of all tracks, if there are several."""
        if len(reports) < 2:
            return
        from rich import box
        from rich.markup import escape
        from rich.table import Table

        table = Table(box=box.SIMPLE if self._console.is_terminal else None)
        for heading in ("track", "status", "audio", "took", "null"):
            table.add_column(heading, overflow="fold")
        for report in reports:
            name, result = escape(report.track.name), report.result
            if result is None:
                table.add_row(name, "done before" if report.skipped else "failed")
                continue
            depth = result.null_depth_db
            table.add_row(
                name,
                "done",
                _clock(result.seconds),
                spoken(result.elapsed_seconds),
                "" if depth is None else f"{depth:.1f} dBFS",
            )
        self._console.print(table)

    def _print(self, line: str) -> None:
        self._console.print(line, markup=False, soft_wrap=True)


class BarDisplay(LineDisplay):
    """Lines, and a bar while a track is on."""

    def __init__(self) -> None:
        super().__init__()
        self._bar: Progress | None = None
        self._task: TaskID | None = None

    def begin_track(self, track: Track) -> None:
        """Start a bar."""
        from rich.markup import escape
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        super().begin_track(track)
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[position]}"),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
        )
        self._task = self._bar.add_task(escape(track.name), total=None, position="reading")
        self._bar.start()

    def update(self, *, done_seconds: float, total_seconds: float | None) -> None:
        """Move the bar to this time of the audio."""
        if self._bar is not None and self._task is not None:
            total = f" / {_clock(total_seconds)}" if total_seconds else ""
            self._bar.update(
                self._task,
                completed=done_seconds,
                total=total_seconds,
                position=_clock(done_seconds) + total,
            )

    def end_track(self, report: TrackReport) -> None:
        """Take the bar away and print how it went."""
        self._remove_bar()
        super().end_track(report)

    def interrupted(self, partials: Sequence[Path]) -> None:
        """Take the bar away and say what is left."""
        self._remove_bar()
        super().interrupted(partials)

    def _remove_bar(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


class JsonDisplay(QuietDisplay):
    """One JSON object a line on stdout: start, progress, warning, track, and summary at the end."""

    wants_forecast = True

    def __init__(self) -> None:
        self._track: Track | None = None
        self._started = time.monotonic()
        self._last_event = 0.0

    def begin(self, forecast: Forecast) -> None:
        """Emit `start`."""
        self._emit(
            "start",
            tracks=forecast.files,
            audio_seconds=round(forecast.audio_seconds, 3),
            estimate_seconds=forecast.estimate_seconds and round(forecast.estimate_seconds, 1),
            device=forecast.device,
        )

    def begin_track(self, track: Track) -> None:
        """Remember which track is meant."""
        self._track = track

    def update(self, *, done_seconds: float, total_seconds: float | None) -> None:
        """Emit `progress`, once a second at most."""
        now = time.monotonic()
        if now - self._last_event >= _SECONDS_BETWEEN_EVENTS:
            self._last_event = now
            self._emit(
                "progress",
                input=self._input(),
                done_seconds=round(done_seconds, 3),
                total_seconds=total_seconds and round(total_seconds, 3),
            )

    def warn(self, message: str) -> None:
        """Emit `warning`."""
        self._emit("warning", input=self._input(), message=message)

    def end_track(self, report: TrackReport) -> None:
        """Emit `track`, with everything that is known of it."""
        result = report.result
        if report.skipped:
            self._emit("track", input=self._input(), status="skipped")
            return
        if result is None:
            self._emit("track", input=self._input(), status="failed", error=str(report.error))
            return
        self._emit(
            "track",
            input=self._input(),
            status="done",
            outputs={name: str(path) for name, path in result.outputs.items()},
            sidecar=str(result.sidecar),
            seconds=round(result.seconds, 3),
            gain=result.gain,
            null_depth_db=result.null_depth_db,
            elapsed_seconds=round(result.elapsed_seconds, 3),
            warnings=list(result.warnings),
        )

    def end(self, reports: Sequence[TrackReport]) -> None:
        """Emit `summary`."""
        failed = sum(report.error is not None for report in reports)
        skipped = sum(report.skipped for report in reports)
        self._emit(
            "summary",
            done=len(reports) - failed - skipped,
            failed=failed,
            skipped=skipped,
            elapsed_seconds=round(time.monotonic() - self._started, 3),
        )

    def interrupted(self, partials: Sequence[Path]) -> None:
        """Emit `interrupted`."""
        self._emit("interrupted", input=self._input(), partials=[str(path) for path in partials])

    def _input(self) -> str | None:
        return None if self._track is None else str(self._track.path)

    def _emit(self, event: str, **fields: Any) -> None:
        print(json.dumps({"event": event, **fields}, allow_nan=False), flush=True)


def _summary(result: SeparationResult) -> str:
    factor = result.elapsed_seconds / result.seconds if result.seconds else 0.0
    parts = [f"done in {spoken(result.elapsed_seconds)} ({factor:.2f} s per second of audio)"]
    if result.gain != 1.0:
        parts.append(f"all stems scaled by {result.gain:.4f} so that none clips")
    if result.null_depth_db is not None:
        parts.append(f"sums to the input to {result.null_depth_db:.1f} dBFS")
    return f"{', '.join(parts)}; in {result.sidecar.parent}"


def _clock(seconds: float) -> str:
    hours, rest = divmod(int(seconds), 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"
