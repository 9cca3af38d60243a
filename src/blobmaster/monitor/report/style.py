"""The look of a report: light or dark as the reader's system is, and black on white on paper."""

from __future__ import annotations

from typing import Final

from blobmaster.matrix import heat_map

_LIGHT: Final = f"""
    --page: #f6f7f9; --card: #ffffff; --ink: #1b2330; --dim: #5b6675; --rule: #dde2e9;
    --good: #1a7f4b; --warning: #9a5b00; --error: #c0262d;
    --c0: #1f63c4; --c1: #c2570c; --c2: #7a3fb0; {heat_map.LIGHT}
"""
_DARK: Final = f"""
    --page: #12151b; --card: #1a1f27; --ink: #e4e8ee; --dim: #97a3b3; --rule: #2d3540;
    --good: #5fcf95; --warning: #e5b258; --error: #ff8087;
    --c0: #6aa9ff; --c1: #f59e58; --c2: #c79bf2; {heat_map.DARK}
"""

CSS: Final = f"""
:root {{ color-scheme: light dark; {_LIGHT} }}
@media screen and (prefers-color-scheme: dark) {{ :root {{ {_DARK} }} }}
* {{ box-sizing: border-box; }}
body {{
    margin: 0 auto; max-width: 80rem; padding: 2rem 1.25rem 3rem; background: var(--page);
    color: var(--ink); font: 1rem/1.5 system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif;
    font-variant-numeric: tabular-nums;
}}
h1 {{ margin: 0; font-size: 1.6rem; line-height: 1.25; overflow-wrap: anywhere; }}
h2 {{ margin: 2.5rem 0 .75rem; font-size: 1.15rem; }}
h3 {{ margin: 0; font-size: 1rem; }}
p {{ margin: .25rem 0; }}
code {{ font: .9em ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace;
    overflow-wrap: anywhere; }}
.dim, figcaption p, dt, .key + *, caption {{ color: var(--dim); }}
.kicker {{ color: var(--dim); font-size: .85rem; letter-spacing: .04em; }}
header {{ display: flex; flex-wrap: wrap; gap: .5rem 1.5rem; align-items: end;
    justify-content: space-between; }}
.state {{ padding: .2rem .8rem; border: 2px solid currentColor; border-radius: 2rem;
    font-weight: 650; }}
.good {{ color: var(--good); }}
.warning {{ color: var(--warning); }}
.error {{ color: var(--error); }}
.bar {{ height: .6rem; margin: 1.25rem 0; border-radius: .3rem; background: var(--rule);
    overflow: hidden; }}
.bar div {{ height: 100%; background: var(--c0); }}
.alerts {{ margin: 1rem 0; padding: .75rem 1rem .75rem 2rem; border-left: .3rem solid;
    background: var(--card); overflow-wrap: anywhere; }}
.tiles {{ display: grid; grid-template-columns: repeat(auto-fit, minmax(12.5rem, 1fr)); gap: .75rem;
    margin: 0; }}
.tiles div, figure, .card {{ background: var(--card); border: 1px solid var(--rule);
    border-radius: .6rem; padding: .8rem 1rem; }}
dt {{ font-size: .85rem; }}
dd {{ margin: 0; overflow-wrap: anywhere; }}
.tiles dd {{ font-size: 1.1rem; font-weight: 600; white-space: pre-wrap; }}
.charts {{ display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 31rem), 1fr));
    gap: 1rem; }}
figure {{ margin: 0; min-width: 0; break-inside: avoid; }}
figcaption {{ margin-bottom: .5rem; }}
figcaption p {{ font-size: .85rem; }}
.legend {{ display: flex; flex-wrap: wrap; gap: .2rem 1.25rem; margin: .35rem 0 0; padding: 0;
    list-style: none; font-size: .85rem; }}
.key {{ width: 1.75rem; height: .65rem; margin-right: .4rem; }}
.plot {{ overflow-x: auto; }}
.plot svg {{ display: block; width: 100%; min-width: 27rem; height: auto; }}
svg text {{ fill: var(--dim); font-size: 13px; }}
.middle {{ text-anchor: middle; }}
.end {{ text-anchor: end; }}
.grid {{ stroke: var(--rule); }}
.axis, .tick {{ stroke: var(--dim); fill: none; }}
.c0 {{ --c: var(--c0); }}
.c1 {{ --c: var(--c1); stroke-dasharray: 7 4; }}
.c2 {{ --c: var(--c2); stroke-dasharray: 2 4; }}
.line {{ fill: none; stroke: var(--c); stroke-width: 2; stroke-linejoin: round; }}
.dense {{ stroke-width: 1; }}
.dots {{ fill: none; stroke: var(--c); stroke-width: 5; stroke-linecap: round;
    stroke-dasharray: none; }}
.band {{ fill: var(--c); fill-opacity: .17; stroke: none; }}
.read {{ fill: transparent; }}
.read:hover {{ fill: var(--dim); fill-opacity: .16; }}
details {{ margin-top: .5rem; font-size: .85rem; }}
summary {{ cursor: pointer; color: var(--dim); }}
.scroll {{ overflow-x: auto; }}
table {{ border-collapse: collapse; width: 100%; font-size: .9rem; }}
th, td {{ padding: .3rem .7rem; text-align: right; border-bottom: 1px solid var(--rule);
    white-space: nowrap; }}
th {{ font-weight: 600; }}
.word {{ text-align: left; }}
.words, th.words {{ text-align: left; white-space: normal; overflow-wrap: anywhere;
    min-width: 16rem; }}
.settings {{ columns: 3 19rem; column-gap: 1rem; }}
.settings .card {{ break-inside: avoid; margin-bottom: 1rem; }}
.pairs {{ display: grid; grid-template-columns: auto 1fr; gap: .1rem 1rem; margin: .4rem 0 0;
    font-size: .9rem; }}
.pairs dd {{ text-align: right; }}
footer {{ margin-top: 2.5rem; color: var(--dim); font-size: .85rem; overflow-wrap: anywhere; }}
@media print {{
    :root {{ --page: #ffffff; font-size: 10px; }}
    body {{ max-width: none; padding: 0; }}
    tr {{ break-inside: avoid; }}
    details, .read {{ display: none; }}
    .charts {{ grid-template-columns: 1fr 1fr; }}
    .plot svg {{ min-width: 0; }}
    * {{ print-color-adjust: exact; -webkit-print-color-adjust: exact; }}
}}
"""
