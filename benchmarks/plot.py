"""Bars with their spread as an SVG file, in colours that suit a light page and a dark one."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2328; }
.title { font-weight: 600; }
.value { font-size: 12px; fill: #59636e; }
.ours { fill: #1a7f37; }
.other { fill: #8c959f; }
.spread { stroke: #1f2328; stroke-width: 1.5; }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc; }
  .value { fill: #9198a1; }
  .ours { fill: #3fb950; }
  .other { fill: #6e7681; }
  .spread { stroke: #f0f6fc; }
}
"""
WIDTH = 860
LABELS = 330
"""Pixels for the names on the left."""
VALUES = 70
"""Pixels for the figures on the right."""
ROW = 26
BAR = 16


@dataclass(frozen=True, slots=True)
class Bar:
    """``low`` and ``high`` are the ends of the spread."""

    name: str
    value: float
    low: float
    high: float
    ours: bool


def draw(panels: list[tuple[str, list[Bar]]]) -> str:
    """One group of bars below the other, each with a title and a scale of its own that begins at zero."""
    parts: list[str] = []
    top = 10
    for title, bars in panels:
        parts.append(f'<text class="title" x="10" y="{top + 16}">{escape(title)}</text>')
        top += 28
        largest = max((bar.high for bar in bars), default=1.0) or 1.0
        for bar in bars:
            parts += row(bar, top, (WIDTH - LABELS - VALUES) / largest)
            top += ROW
        top += 14
    names = "; ".join(title for title, _ in panels)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}" role="img" aria-label="{escape(names)}">'
    )
    return "\n".join([head, f"<style>{STYLE}</style>", *parts, "</svg>", ""])


def row(bar: Bar, top: int, scale: float) -> list[str]:
    middle = top + ROW / 2
    kind = "ours" if bar.ours else "other"
    low, high = LABELS + bar.low * scale, LABELS + bar.high * scale
    return [
        f'<text x="{LABELS - 10}" y="{middle + 4:.0f}" text-anchor="end">{escape(bar.name)}</text>',
        f'<rect class="{kind}" x="{LABELS}" y="{middle - BAR / 2:.0f}" width="{bar.value * scale:.1f}" '
        f'height="{BAR}" rx="2"/>',
        f'<line class="spread" x1="{low:.1f}" y1="{middle:.0f}" x2="{high:.1f}" y2="{middle:.0f}"/>',
        f'<text class="value" x="{high + 8:.0f}" y="{middle + 4:.0f}">{bar.value:,.0f}</text>',
    ]
