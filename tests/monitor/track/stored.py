"""What the trackers' own libraries read in the stores, as values by iteration."""

from __future__ import annotations

import json
import os
import struct
from pathlib import Path
from typing import Any
from unittest.mock import patch

Stored = dict[int, dict[str, float]]


def tensorboard(folder: Path, name: str) -> tuple[Stored, dict[str, Any]]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.plugins.hparams import plugin_data_pb2

    found = EventAccumulator(str(folder / name), size_guidance={"scalars": 0, "tensors": 0})
    found.Reload()
    rows: Stored = {}
    for tag in found.Tags()["scalars"]:
        for event in found.Scalars(tag):
            assert tag not in rows.setdefault(event.step, {}), f"{tag} twice at {event.step}"
            rows[event.step][tag] = event.value
    content = found.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    info = plugin_data_pb2.HParamsPluginData.FromString(content).session_start_info
    kinds = ("number_value", "string_value", "bool_value")
    settings = {
        key: next(getattr(value, kind) for kind in kinds if value.HasField(kind))
        for key, value in info.hparams.items()
    }
    return rows, settings


def trackio(folder: Path, name: str) -> tuple[Stored, dict[str, Any]]:
    with patch.dict(os.environ, TRACKIO_DIR=str(folder)):
        from trackio import sqlite_storage

    sqlite_storage.TRACKIO_DIR = folder  # the library reads the variable once, when it is loaded
    storage, rows = sqlite_storage.SQLiteStorage, dict[int, dict[str, float]]()
    assert [run["name"] for run in storage.get_run_records("blobmaster")] == [name]
    for log in storage.get_logs("blobmaster", name):
        assert log["step"] not in rows, f"step {log['step']} twice"
        rows[log["step"]] = {k: v for k, v in log.items() if k not in ("step", "timestamp")}
    return rows, storage.get_run_config("blobmaster", name) or {}


def mlflow(folder: Path, name: str) -> tuple[Stored, dict[str, Any]]:
    from mlflow.tracking import MlflowClient

    client = MlflowClient(f"sqlite:///{folder}/mlflow.db")
    experiment = client.get_experiment_by_name("blobmaster")
    assert experiment is not None
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.info.run_name == name
    rows: Stored = {}
    for tag in run.data.metrics:
        for metric in client.get_metric_history(run.info.run_id, tag):
            assert tag not in rows.setdefault(metric.step, {}), f"{tag} twice at {metric.step}"
            rows[metric.step][tag] = metric.value
    return rows, dict(run.data.params)


def wandb(folder: Path, name: str) -> tuple[Stored, dict[str, Any]]:
    from wandb.proto.wandb_internal_pb2 import Record

    (path,) = folder.glob(f"wandb/offline-run-*/run-{name}.wandb")
    rows: Stored = {}
    settings: dict[str, Any] = {}
    for data in _leveldb_records(path.read_bytes()):
        record = Record.FromString(data)
        if record.HasField("run"):
            settings |= {i.key: json.loads(i.value_json) for i in record.run.config.update}
        if record.HasField("history"):
            items = {
                item.key or ".".join(item.nested_key): json.loads(item.value_json)
                for item in record.history.item
            }
            assert items["_step"] not in rows, f"step {items['_step']} twice"
            rows[items["_step"]] = {k: v for k, v in items.items() if not k.startswith("_")}
    return rows, settings


def _leveldb_records(data: bytes) -> list[bytes]:
    """The records of a file in the format of LevelDB's log, behind wandb's header of 7 bytes."""
    block, found, parts = 32_768, [], b""
    at = 7
    while at + 7 <= len(data):
        left = block - at % block
        if left < 7:
            at += left
            continue
        length, kind = struct.unpack_from("<HB", data, at + 4)
        if kind == 0:
            break
        part = data[at + 7 : at + 7 + length]
        assert len(part) == length, "the file ends inside a record"
        at += 7 + length
        parts = parts + part if kind in (3, 4) else part
        if kind in (1, 4):
            found.append(parts)
    return found


READERS = {"tensorboard": tensorboard, "wandb": wandb, "trackio": trackio, "mlflow": mlflow}
