"""Text output of a view: a page, a line per change, and JSON."""

from __future__ import annotations

import time
from typing import Final

from blobmaster.monitor.facts import facts
from blobmaster.monitor.hosts import cluster_text, host_name, host_text, left_out
from blobmaster.monitor.text import fmt
from blobmaster.monitor.view import View
from blobmaster.run.files.plain_json import encode_json

BAR_WIDTH: Final = 40
_LABEL_WIDTH: Final = 15

HEALTHY: Final = 0
STALLED: Final = 10
DEAD: Final = 11
NO_STATUS: Final = 12
_EXIT_STATUS: Final = {
    "stalled": STALLED,
    "no contact": STALLED,
    "dead": DEAD,
    "waiting": NO_STATUS,
    "unreadable": NO_STATUS,
}


def exit_status(view: View) -> int:
    """Return the exit status of `--once` for a view.

    It is 0 if the run is healthy or has ended, 10 if stalled or silent, 11 if dead, 12 if unknown.
    """
    if view.problem is not None:
        return NO_STATUS
    return _EXIT_STATUS.get(view.state, HEALTHY)


def page(view: View) -> str:
    """Return the whole view as plain text, without colours or control codes."""
    return "\n".join([*_headline(view), *_run(view), *_resources(view)]) + "\n"


def as_json(view: View) -> str:
    """Return the view as JSON on one line, as documented in docs/monitor.md."""
    return encode_json(view).decode()


def state_line(view: View) -> str:
    """Return the state with its reason."""
    return f"{view.state}: {view.why}" if view.why else view.state


def change_line(view: View) -> str:
    """Return the line that `--plain` prints when something has changed."""
    parts = [state_line(view)]
    if view.total_iterations:
        parts.append(f"iteration {fmt.number(view.iteration)}/{view.total_iterations}")
        parts.append(fmt.percent(view.progress))
    if view.step is not None and view.state == "running":
        parts.append(fmt.clean(view.step.name, 40))
    if view.eta_hours is not None:
        parts.append(f"{fmt.hours(view.eta_hours)} left")
    elo = view.metrics.get("elo")
    if isinstance(elo, int | float):
        parts.append(f"Elo {fmt.fixed(elo)}")
    if view.problem is not None:
        parts.append(view.problem)
    parts.extend(alert.message for alert in view.alerts)
    if view.next_command is not None:
        parts.append(f"resume with: {view.next_command}")
    return " | ".join(parts)


def change_key(view: View) -> tuple[object, ...]:
    """Return what must change for `--plain` to print a line: not the ever-changing figures."""
    return (
        view.state,
        view.iteration,
        None if view.step is None else view.step.name,
        view.metrics.get("elo"),
        view.problem,
        tuple(alert.message for alert in view.alerts if alert.level == "warning"),
        view.request is not None,
    )


def run_text(view: View) -> str:
    """Return the run's name, and its host and process where they are known."""
    host = f" on {view.host}" if view.host else ""
    return f"{view.name}{host}" + (f", process {view.pid}" if view.pid else "")


def step_text(view: View) -> str:
    """Return the step in progress: `self-play 2,310/4,400 rounds, 61/s, 34 s left`."""
    step = view.step
    if step is None:
        return ""
    unit = fmt.clean(step.unit, 20)
    amount = fmt.count(step.done) + (f"/{fmt.count(step.total)}" if step.total > 0 else "")
    parts = [f"{amount} {unit}".strip()]
    if rate := fmt.rate(step.rate, unit):
        parts.append(rate)
    if step.seconds_left is not None and step.seconds_left >= 0:
        parts.append(f"{fmt.duration(step.seconds_left)} left")
    return f"{fmt.clean(step.name, 40)} {', '.join(parts)}"


def disk_text(view: View) -> str:
    """Return the free space, and the time until the run fills it."""
    disk = view.disk
    if disk is None:
        return fmt.UNKNOWN
    text = f"{'low: ' if disk.low else ''}{fmt.size(disk.free_bytes)} free"
    if disk.folder is not None:
        text += f" for {fmt.clean(disk.folder, 20)}/"
    if disk.hours_left is not None and 0 <= disk.hours_left < 24 * 365:
        text += f", full in {fmt.hours(disk.hours_left)}"
    return text


def machine_text(view: View) -> str:
    """Return processor load, memory and workers of the trainer's machine."""
    machine = view.machine
    if machine is None:
        return fmt.UNKNOWN
    used, total = fmt.size(machine.memory_used_bytes), fmt.size(machine.memory_total_bytes)
    parts = [
        f"CPU {fmt.fixed(machine.cpu_percent)} % of {machine.cores}",
        f"load {fmt.fixed(machine.load1, 1)}",
        f"memory {used} of {total}",
        f"trainer {fmt.size(machine.rss_bytes)}",
    ]
    if machine.workers is not None:
        parts.append(f"{machine.workers} workers")
    return ", ".join(parts)


def checkpoint_text(view: View) -> str:
    """Return the newest checkpoint and its age."""
    last = view.last_checkpoint
    if last is None:
        return "none yet"
    kind = "permanent" if last.permanent else "cache"
    age = fmt.duration(view.last_checkpoint_age_s)
    return f"{fmt.clean(last.name, 100)} ({fmt.size(last.bytes)}, {kind}, {age} ago)"


def time_left(view: View, now: float) -> str:
    """Return the ETA in days and hours, with the date if it is less than five years away."""
    date = fmt.finish_time(now, view.eta_hours)
    return fmt.eta(view.eta_hours) + (f", {date}" if date else "")


def _headline(view: View) -> list[str]:
    lines = [_line("state", state_line(view))]
    if view.problem is not None and view.has_status:
        age = fmt.duration(view.frame_age_s)
        lines.append(_line("last good", f"{age} ago: {view.problem}"))
    if view.request is not None:
        lines.append(_line("request", view.request))
    if view.next_command is not None:
        lines.append(_line("resume with", view.next_command))
    lines.extend(_line(alert.level, alert.message) for alert in view.alerts)
    return lines


def _run(view: View) -> list[str]:
    if not view.has_status:
        return [_line("looked at", view.source)]
    filled = round((view.progress or 0.0) * BAR_WIDTH)
    bar = "#" * filled + "-" * (BAR_WIDTH - filled)
    lines = [
        _line("run", run_text(view)),
        _line("progress", f"[{bar}] {fmt.percent(view.progress)}"),
        _line("iteration", f"{fmt.count(view.iteration)}/{fmt.count(view.total_iterations)}"),
    ]
    if view.step is not None:
        lines.append(_line("step", step_text(view)))
    lines.append(_line("ETA", time_left(view, time.time())))
    lines.append(_line("elapsed", fmt.hours(view.elapsed_hours)))
    lines.extend(_line(fact.label, fact.text) for fact in facts(view.metrics))
    return lines


def _resources(view: View) -> list[str]:
    if not view.has_status:
        return []
    return [
        _line("checkpoint", checkpoint_text(view)),
        _line("disk", disk_text(view)),
        _line("machine", machine_text(view)),
        *_cluster(view),
    ]


def _cluster(view: View) -> list[str]:
    cluster = view.cluster
    if cluster is None:
        return []
    more = left_out(cluster)
    return [
        _line("cluster", cluster_text(cluster)),
        *(_line("host", f"{host_name(host)}: {host_text(host)}") for host in cluster.hosts),
        *([_line("", f"and {fmt.count(more)} more hosts")] if more else []),
    ]


def _line(label: str, text: str) -> str:
    return f"{label:<{_LABEL_WIDTH}} {text}".rstrip()
