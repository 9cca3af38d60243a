"""Samples one NVIDIA card through NVIDIA's own library (nvidia-ml-py), where that is installed."""

import importlib
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

GPU_SECONDS = 2.0
STALE_SECONDS = 10.0
"""What is older is no longer told: a driver that hangs must not look like a card at work."""

log = logging.getLogger(__name__)


class GpuWatch:
    """Samples a card again and again, in a thread of its own: a driver that hangs holds up nothing.

    Calling it gives the newest figures: `name`, `percent`, `memory_used_bytes`,
    `memory_total_bytes`, `celsius`, `watts`, without those that the card does not tell; None while
    there are none.
    """

    def __init__(self, uuid: str, every: float = GPU_SECONDS) -> None:
        """`uuid` as NVIDIA writes it, `GPU-…`: numbers depend on CUDA_VISIBLE_DEVICES."""
        self._uuid = uuid
        self._every = every
        self._left = threading.Event()
        self._newest: tuple[float, dict[str, Any]] | None = None
        threading.Thread(target=self._run, name="gpu", daemon=True).start()

    def __call__(self) -> dict[str, Any] | None:
        newest = self._newest
        if newest is None or time.monotonic() - newest[0] > STALE_SECONDS:
            return None
        return newest[1]

    def leave(self) -> None:
        """Sample no more."""
        self._left.set()

    def _run(self) -> None:
        try:
            nvml = importlib.import_module("pynvml")
        except ImportError:
            log.info("the GPU's load is not sampled: pip install nvidia-ml-py for that")
            return
        try:
            nvml.nvmlInit()
            card = nvml.nvmlDeviceGetHandleByUUID(self._uuid)
            while not self._left.is_set():
                self._newest = time.monotonic(), _sample(nvml, card)
                self._left.wait(self._every)
        except nvml.NVMLError as error:
            log.warning("the GPU's load is not sampled any more: %s", error)


def _sample(nvml: Any, card: Any) -> dict[str, Any]:
    """What the card tells; raises NVMLError where it is lost."""
    reads: dict[str, Callable[[], Any]] = {
        "name": lambda: nvml.nvmlDeviceGetName(card),
        "percent": lambda: nvml.nvmlDeviceGetUtilizationRates(card).gpu,
        "memory_used_bytes": lambda: nvml.nvmlDeviceGetMemoryInfo(card).used,
        "memory_total_bytes": lambda: nvml.nvmlDeviceGetMemoryInfo(card).total,
        "celsius": lambda: nvml.nvmlDeviceGetTemperature(card, nvml.NVML_TEMPERATURE_GPU),
        "watts": lambda: nvml.nvmlDeviceGetPowerUsage(card) / 1000,
    }
    found = {}
    for name, read in reads.items():
        try:
            found[name] = read()
        except nvml.NVMLError_NotSupported:  # a slice of a card, a laptop's
            continue
    return found
