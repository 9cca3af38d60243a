"""Layout and colours of the screen: the terminal's own sixteen colours on its own background."""

from __future__ import annotations

from typing import Final

WIDTHS: Final[list[tuple[int, str]] | None] = [(0, "-narrow"), (76, "-normal")]
HEIGHTS: Final[list[tuple[int, str]] | None] = [
    (0, "-tiny"),
    (18, "-short"),
    (35, "-tall"),
    (48, "-high"),
]

CSS: Final = """
Screen {
    layout: vertical;
    overflow: hidden;
    layers: below list over;
    align: center middle;
    background: ansi_default;
    color: ansi_default;
}

PanelWidget {
    width: 1fr;
    height: 1fr;
    border: round ansi_bright_black;
    border-title-color: ansi_default;
    padding: 0 1;
}
Screen.-ascii PanelWidget { border: ascii ansi_bright_black; }

Screen #header, Screen #notices, Screen #cluster, Screen #footer {
    height: 1; border: none; padding: 0;
}
Screen #notices { height: 0; max-height: 7; }
Screen #cluster { height: 0; max-height: 3; }
#progress { height: 7; }
#middle { height: 1fr; }
#left { width: 46; }
#machine { height: 6; }
#bottom { height: 8; }
#checkpoints { width: 51; }

/* Larger screens get more lines and space, smaller ones omit the least important panels. */
Screen.-tall #progress { height: 9; }
Screen.-tall #cluster { max-height: 6; }
Screen.-high #cluster { max-height: 10; }
Screen.-tiny #cluster { max-height: 1; }
Screen.-tall #machine { height: 7; }
Screen.-high #machine { height: 9; }
Screen.-high #bottom { height: 16; }
Screen.-short #bottom, Screen.-tiny #bottom { display: none; }
Screen.-narrow #left { width: 1fr; }
Screen.-narrow #charts, Screen.-narrow #checkpoints { display: none; }
Screen.-narrow.-high #middle { layout: vertical; }
Screen.-narrow.-high #left { height: 18; }
Screen.-narrow.-high #charts { display: block; }
Screen.-tiny #progress { height: 4; border: none; padding: 0 1; }
Screen.-tiny #figures { border: none; padding: 0 1; }
Screen.-tiny #machine, Screen.-tiny #charts { display: none; }
Screen.-tiny #left { width: 1fr; }

#runs { layer: list; height: 100%; border: none; padding: 0; }

#overlay {
    layer: over;
    border: round ansi_cyan;
    border-subtitle-color: ansi_default;
    max-width: 100%;
    max-height: 100%;
}
Screen.-ascii #overlay { border: ascii ansi_cyan; }
"""
