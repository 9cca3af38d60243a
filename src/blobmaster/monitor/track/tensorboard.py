"""TensorBoard: one file of events per run, with every row as one record.

A rewind is a step reset: an event `SessionLog.START` at the first dropped step, by which
TensorBoard forgets this and all later steps. The file itself only grows, so a TensorBoard that
reads it meanwhile goes on.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from blobmaster.monitor.track.tracker import Row, TrackedRun

if TYPE_CHECKING:
    from tensorboard.compat.proto.event_pb2 import Event

FILE: Final = "events.out.tfevents.0.blobmaster"
_HEADER: Final = struct.Struct("<QI")
_FOOTER: Final = struct.Struct("<I")
_FLOAT: Final = struct.Struct("<f")
_LARGEST: Final = 3.4e38
"""Largest value of a float32, in which TensorBoard keeps scalars; larger ones are cut to it."""


class TensorBoardExport:
    """The events of one run."""

    def __init__(self, target: Path, run: TrackedRun) -> None:
        """Open or create the run's file, and cut off a record that a kill left unfinished."""
        folder = target / run.name
        folder.mkdir(parents=True, exist_ok=True)
        self._path, self._run = folder / FILE, run
        self._rows: list[Row] = []
        self._banded: set[str] = set()
        whole = 0
        for event, end in _events(self._path):
            whole = end
            self._take(event)
        self._file: BinaryIO = self._path.open("ab")
        self._file.truncate(whole)
        self._is_new = not whole

    def held(self) -> Sequence[Row]:
        """Return the rows of the file that TensorBoard shows."""
        return tuple(self._rows)

    def as_held(self, row: Row) -> Row:
        """Return the row in float32."""
        return Row(row.iteration, {name: _single(value) for name, value in row.values.items()})

    def keep_first(self, count: int) -> int:
        """Write a step reset."""
        from tensorboard.compat.proto.event_pb2 import Event, SessionLog

        dropped = self._rows[count]
        start = SessionLog(status=SessionLog.START)
        self._write(Event(wall_time=dropped.at, step=dropped.iteration, session_log=start))
        self._flush()
        del self._rows[count:]
        return count

    def add(self, rows: Sequence[Row]) -> None:
        """Write a record per row."""
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary

        if self._is_new:
            self._begin(rows[0].at)
        self._declare_bands(rows)
        for row in rows:
            values = [
                Summary.Value(tag=name, simple_value=_single(value))
                for name, value in row.values.items()
            ]
            summary = Summary(value=values)
            self._write(Event(wall_time=row.at, step=row.iteration, summary=summary))
            self._hold(self.as_held(row))
        self._flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _begin(self, at: float) -> None:
        """Write the version of the format, and the settings as hyperparameters."""
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.plugins.hparams.summary_v2 import hparams_pb

        self._write(Event(wall_time=at, file_version="brain.Event:2"))
        if self._run.settings:
            settings = dict(self._run.settings)
            summary = hparams_pb(settings, trial_id=self._run.name, start_time_secs=at)
            self._write(Event(wall_time=at, summary=summary))
        self._is_new = False

    def _declare_bands(self, rows: Sequence[Row]) -> None:
        """Lay out a chart with a band for every metric with an interval, such as the Elo."""
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
        from tensorboard.compat.proto.tensor_pb2 import TensorProto
        from tensorboard.plugins.custom_scalar import layout_pb2
        from tensorboard.plugins.custom_scalar.metadata import CONFIG_SUMMARY_TAG, PLUGIN_NAME

        names = {name for row in rows for name in row.values}
        found = {name for name in names if {f"{name}_low", f"{name}_high"} <= names}
        if found <= self._banded:
            return
        self._banded |= found
        charts = [
            layout_pb2.Chart(
                title=name,
                margin=layout_pb2.MarginChartContent(
                    series=[
                        layout_pb2.MarginChartContent.Series(
                            value=name, lower=f"{name}_low", upper=f"{name}_high"
                        )
                    ]
                ),
            )
            for name in sorted(self._banded)
        ]
        category = layout_pb2.Category(title="with 95 % intervals", chart=charts)
        # What `custom_scalar.summary.pb` makes, which needs TensorFlow.
        plugin = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name=PLUGIN_NAME))
        layout = layout_pb2.Layout(category=[category]).SerializeToString()
        tensor = TensorProto(dtype="DT_STRING", string_val=[layout])
        value = Summary.Value(tag=CONFIG_SUMMARY_TAG, tensor=tensor, metadata=plugin)
        self._write(Event(wall_time=rows[0].at, summary=Summary(value=[value])))

    def _take(self, event: Event) -> None:
        """Take in an event of the file as TensorBoard does."""
        if event.HasField("session_log"):
            self._rows = [row for row in self._rows if row.iteration < event.step]
            return
        values = {
            value.tag: value.simple_value
            for value in event.summary.value
            if value.HasField("simple_value")
        }
        if values:
            self._hold(Row(event.step, values, event.wall_time))

    def _hold(self, row: Row) -> None:
        if self._rows and self._rows[-1].iteration == row.iteration:  # the rest of that row
            row = replace(row, values={**self._rows.pop().values, **row.values})
        self._rows.append(row)

    def _write(self, event: Any) -> None:
        from tensorboard.summary.writer.record_writer import RecordWriter

        RecordWriter(self._file).write(event.SerializeToString())

    def _flush(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())


def _single(value: float) -> float:
    """Return a value as a float32 has it."""
    packed = _FLOAT.pack(max(-_LARGEST, min(_LARGEST, value)))
    return float(_FLOAT.unpack(packed)[0])


def _events(path: Path) -> Iterator[tuple[Event, int]]:
    """Yield the whole records of a file, each with the offset of its end."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c

    data = path.read_bytes() if path.exists() else b""
    at = 0
    while at + _HEADER.size <= len(data):
        length, check = _HEADER.unpack_from(data, at)
        begin, end = at + _HEADER.size, at + _HEADER.size + length
        if masked_crc32c(data[at : at + 8]) != check or end + _FOOTER.size > len(data):
            return
        if _FOOTER.unpack_from(data, end)[0] != masked_crc32c(data[begin:end]):
            return
        at = end + _FOOTER.size
        yield Event.FromString(data[begin:end]), at
