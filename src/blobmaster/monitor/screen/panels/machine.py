"""The trainer's machine and disk."""

from __future__ import annotations

from blobmaster.monitor.screen.drawing import Line, Role, Span, bar, table
from blobmaster.monitor.screen.frame import Frame
from blobmaster.monitor.text import fmt
from blobmaster.monitor.text.plain import disk_text


def draw(frame: Frame) -> list[Line]:
    """Draw the load of processor, memory and GPU, and the disk space."""
    view, load = frame.view, frame.view.machine
    rows, lines = list[tuple[str, str]](), list[Line]()
    if load is not None:
        memory = load.memory_used_bytes / max(1, load.memory_total_bytes)
        lines.append(_meter("CPU", load.cpu_percent / 100, f"of {load.cores} cores", frame))
        total = fmt.size(load.memory_total_bytes)
        lines.append(_meter("memory", memory, f"of {total}", frame))
        lines.extend(_gpu(frame))
    if view.disk is not None:
        rows.append(("disk", disk_text(view)))
    if load is not None:
        workers = "" if load.workers is None else f"{load.workers} workers, "
        rows.append(
            ("trainer", f"{workers}{fmt.size(load.rss_bytes)}, load {fmt.fixed(load.load1, 1)}")
        )
    lines.extend(table(rows, frame.width, 8))
    return lines[: frame.height] or [(Span("no data", "dim"),)]


def _gpu(frame: Frame) -> list[Line]:
    """Return the GPU's load and memory, if the trainer reports them."""
    gpu = {} if frame.view.machine is None else frame.view.machine.gpu or {}
    busy, used, total = (
        gpu.get(name) for name in ("percent", "memory_used_bytes", "memory_total_bytes")
    )
    if not isinstance(busy, int | float):
        return []
    known = isinstance(used, int | float) and isinstance(total, int | float)
    text = f"{fmt.size(used)} of {fmt.size(total)}" if known else "busy"
    return [_meter("GPU", busy / 100, text, frame)]


def _meter(name: str, share: float, text: str, frame: Frame) -> Line:
    role: Role = "warning" if share > 0.9 and name != "CPU" else "accent"
    tail = f" {fmt.percent(share, 0):>5} {text}"
    room = frame.width - 8 - len(tail)
    if room < 6:
        return (Span(f"{name:<8}", "dim"), Span(tail.strip()))
    return (Span(f"{name:<8}", "dim"), *bar(share, room, frame.glyphs, role), Span(tail))
