# ruff: noqa: N801, N802, N818, ARG002 (the names are the library's)
"""The GPU's figures in the status, with a fake of NVIDIA's library."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from types import ModuleType, SimpleNamespace

import pytest
from processes import wait_for

from blobmaster.run.status.gpu import GpuSampler

UUID = "GPU-2f6a"


class Nvml(ModuleType):
    """A fake of nvidia-ml-py with one card, and with errors on demand."""

    class NVMLError(Exception):
        pass

    class NVMLError_NotSupported(NVMLError):
        pass

    NVML_TEMPERATURE_GPU = 0

    def __init__(self) -> None:
        super().__init__("pynvml")
        self.has_driver = True
        self.is_slice = False
        self.is_lost = False
        self.hangs = threading.Event()
        self.hangs.set()

    def nvmlInit(self) -> None:
        if not self.has_driver:
            raise self.NVMLError("NVML Shared Library Not Found")

    def nvmlDeviceGetHandleByUUID(self, uuid: str) -> str:
        assert uuid == UUID
        return "the card"

    def nvmlDeviceGetName(self, card: str) -> str:
        self.hangs.wait()
        if self.is_lost:
            raise self.NVMLError("GPU is lost")
        return f"{card}'s name"

    def nvmlDeviceGetUtilizationRates(self, card: str) -> SimpleNamespace:
        if self.is_slice:
            raise self.NVMLError_NotSupported("Not Supported")
        return SimpleNamespace(gpu=93, memory=40)

    def nvmlDeviceGetMemoryInfo(self, card: str) -> SimpleNamespace:
        return SimpleNamespace(used=31_000, total=80_000)

    def nvmlDeviceGetTemperature(self, card: str, sensor: int) -> int:
        return 61

    def nvmlDeviceGetPowerUsage(self, card: str) -> int:
        return 412_500


@pytest.fixture
def nvml(monkeypatch: pytest.MonkeyPatch) -> Nvml:
    library = Nvml()
    monkeypatch.setitem(sys.modules, "pynvml", library)
    return library


@pytest.fixture
def watch() -> Iterator[Callable[[], GpuSampler]]:
    begun: list[GpuSampler] = []

    def begin() -> GpuSampler:
        begun.append(GpuSampler(UUID, every=0.01))
        return begun[-1]

    yield begin
    for one in begun:
        one.stop()


def thread_has_ended() -> bool:
    return not any(thread.name == "gpu" for thread in threading.enumerate())


def test_the_cards_figures_are_told_in_plain_units(nvml: Nvml, watch: Callable[[], GpuSampler]):
    gpu = watch()
    wait_for(lambda: gpu() is not None)
    assert gpu() == {
        "name": "the card's name",
        "percent": 93,
        "memory_used_bytes": 31_000,
        "memory_total_bytes": 80_000,
        "celsius": 61,
        "watts": 412.5,
    }


def test_what_a_card_does_not_tell_is_left_out(nvml: Nvml, watch: Callable[[], GpuSampler]):
    nvml.is_slice = True
    gpu = watch()
    wait_for(lambda: gpu() is not None)
    assert "percent" not in gpu()
    assert gpu()["memory_total_bytes"] == 80_000


def test_without_library_or_driver_there_are_no_figures_and_a_line_in_the_log(
    nvml: Nvml, watch: Callable[[], GpuSampler], monkeypatch, caplog: pytest.LogCaptureFixture
):
    caplog.set_level("INFO")
    nvml.has_driver = False
    gpu = watch()
    wait_for(thread_has_ended)
    assert gpu() is None
    assert "NVML Shared Library Not Found" in caplog.text
    monkeypatch.setitem(sys.modules, "pynvml", None)
    gpu = watch()
    wait_for(thread_has_ended)
    assert gpu() is None
    assert "pip install nvidia-ml-py" in caplog.text


@pytest.mark.parametrize("trouble", ["lost", "hangs"])
def test_a_card_that_is_lost_or_hangs_is_not_told_of_for_long(
    nvml: Nvml, watch: Callable[[], GpuSampler], trouble: str, monkeypatch
):
    gpu = watch()
    wait_for(lambda: gpu() is not None)
    monkeypatch.setattr("blobmaster.run.status.gpu.STALE_SECONDS", 0.05)
    nvml.is_lost = trouble == "lost"
    if trouble == "hangs":
        nvml.hangs.clear()
    wait_for(lambda: gpu() is None)
    nvml.hangs.set()
