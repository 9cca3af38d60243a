"""Samples the load of one NVIDIA GPU through NVML (nvidia-ml-py), where that is installed."""

import importlib
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

GPU_SECONDS = 2.0
STALE_SECONDS = 10.0
"""Older figures are not reported: a hung driver must not look like a busy card."""

log = logging.getLogger(__name__)


class GpuSampler:
    """Samples a GPU periodically in a daemon thread, so that a hung driver blocks nothing else.

    A call returns the newest figures: `name`, `percent`, `memory_used_bytes`,
    `memory_total_bytes`, `celsius` and `watts`, except those that the card does not report; None
    while there are none.
    """

    def __init__(self, uuid: str, every: float = GPU_SECONDS) -> None:
        """`uuid` in NVIDIA's form, `GPU-…`. Device numbers depend on CUDA_VISIBLE_DEVICES."""
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

    def stop(self) -> None:
        """End the sampling."""
        self._left.set()

    def _run(self) -> None:
        try:
            nvml = importlib.import_module("pynvml")
        except ImportError:
            log.info("the GPU's load is not sampled: to see it, pip install nvidia-ml-py")
            return
        try:
            nvml.nvmlInit()
            card = nvml.nvmlDeviceGetHandleByUUID(self._uuid)
            while not self._left.is_set():
                self._newest = time.monotonic(), _sample(nvml, card)
                self._left.wait(self._every)
        except nvml.NVMLError as error:
            log.warning("the GPU's load is no longer sampled: %s", error)


def _sample(nvml: Any, card: Any) -> dict[str, Any]:
    """Read the card's figures.

    Raises:
        NVMLError: the card is lost.
    """
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
        except nvml.NVMLError_NotSupported:  # as on a MIG slice or a laptop's card
            continue
    return found
