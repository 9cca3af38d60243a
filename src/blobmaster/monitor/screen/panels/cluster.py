"""The hosts of a cluster: their sums on one line, then a line a host; nothing without a cluster."""

from __future__ import annotations

from blobmaster.monitor.hosts import (
    ShownHost,
    answer_text,
    cluster_text,
    host_name,
    left_out,
    per_minute,
)
from blobmaster.monitor.screen.drawing import BLANK, Line, Role, Span, fit
from blobmaster.monitor.screen.frame import Frame
from blobmaster.monitor.text import fmt

NUMBERS = 44
"""Columns of the figures behind a host's name."""


def draw(frame: Frame) -> list[Line]:
    """Draw the cluster; the layout shows as many of the lines as the screen has room for."""
    cluster = frame.view.cluster
    if cluster is None:
        return []
    more = left_out(cluster)
    lines: list[Line] = [(Span(" cluster  ", "dim"), Span(cluster_text(cluster)))]
    lines += [_host(host, frame.width) for host in cluster.hosts]
    if more:
        lines.append((Span(f"   and {fmt.count(more)} more hosts", "dim"),))
    return [fit(line, frame.width) if line is not BLANK else line for line in lines]


def _host(host: ShownHost, width: int) -> Line:
    role: Role = "warning" if host.silent else "dim"
    rate = "" if host.units_per_minute is None else per_minute(host.units_per_minute)
    actors = f"{fmt.count(host.actors)} actor{'' if host.actors == 1 else 's'}"
    name = fit((Span(f"   {host_name(host)}"),), max(8, width - NUMBERS))
    return (*name, Span(f" {actors:>10} {rate:>12}  "), Span(answer_text(host), role))
