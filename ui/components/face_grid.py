"""Faces side by side on a page, drawn from one sprite image, each with its label, words, and what people saw."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from html import escape

import numpy as np
import streamlit as st

from fer_core.charts.dataset import colors_of, vote_color
from fer_core.curation.summary import sprite
from fer_core.datasets.dataset import Dataset
from fer_core.datasets.votes import votes_of
from fer_core.labels import FERPLUS_VOTES

__all__ = ["captions", "groups", "tiles", "vote_bars", "vote_strip"]

COLUMNS = 10
"""Faces a row of the sprite; how many stand in a row on the page depends on its width."""

STYLE = """
<style>
.{name} {{ display: grid; grid-template-columns: repeat(auto-fill, minmax({width}px, 1fr)); gap: 8px 6px; }}
.{name}.groups {{ display: flex; flex-wrap: wrap; gap: 10px; }}
.{name} .group {{ display: flex; flex-wrap: wrap; gap: 6px; padding: 8px; border-radius: 8px;
  border: 1px solid rgba(128, 128, 128, 0.35); }}
.{name} .group figure {{ width: {width}px; }}
.{name} figure {{ margin: 0; min-width: 0; max-width: {most}px; }}
.{name} figure.beside {{ display: grid; grid-template-columns: 84px 1fr; gap: 2px 10px; max-width: none;
  align-content: start; }}
.{name} figure.beside > figcaption {{ grid-row: 1; grid-column: 1 / 3; }}
.{name} figure.out {{ opacity: 0.35; }}
.{name} .face {{ aspect-ratio: 1; border-radius: 4px; border-bottom: 4px solid; background-repeat: no-repeat;
  background-origin: padding-box; background-clip: padding-box; align-self: start;
  background-size: {across}00% {down}00%; background-image: url(data:image/png;base64,{picture}); }}
.{name} figcaption {{ font-size: 0.75rem; line-height: 1.25; overflow-wrap: anywhere; }}
.{name} .strip {{ display: flex; height: 7px; margin-top: 2px; border-radius: 2px; overflow: hidden; gap: 1px; }}
.{name} .bars {{ display: grid; grid-template-columns: auto 1fr auto; gap: 1px 6px; align-content: start;
  align-items: center; font-size: 0.75rem; line-height: 1.2; }}
.{name} .bars i {{ display: block; height: 9px; border-radius: 2px; }}
</style>
"""


def captions(data: Dataset, which: Sequence[int] | np.ndarray, *, split: bool = False) -> list[str]:
    """For each image its label and row, and its split where asked for."""
    return [
        f"{data.names[data.labels[i]]}{f' · {data.splits[i]}' if split else ''} · row {data.rows[i]}" for i in which
    ]


def vote_strip(votes: np.ndarray) -> str:
    """HTML of one thin bar, divided as people's votes on an image were; empty where nobody was asked."""
    parts = [(vote_color(name), n) for name, n in zip(FERPLUS_VOTES, votes.tolist(), strict=True) if n]
    inner = "".join(f'<div style="flex: {n}; background: {color}"></div>' for color, n in parts)
    words = f"People saw: {votes_of(votes)}"
    return f'<div class="strip" role="img" aria-label="{words}" title="{words}">{inner}</div>' if parts else ""


def vote_bars(votes: np.ndarray) -> str:
    """HTML of a bar for each expression that somebody saw in an image, the most first."""
    counts = {name: n for name, n in zip(FERPLUS_VOTES, votes.tolist(), strict=True) if n}
    rows = "".join(
        f"<span>{name.replace('_', ' ')}</span>"
        f'<i style="width: {100 * n / max(counts.values()):.0f}%; background: {vote_color(name)}"></i><span>{n}</span>'
        for name, n in sorted(counts.items(), key=lambda item: -item[1])
    )
    return f'<div class="bars" role="img" aria-label="People saw: {votes_of(votes)}">{rows}</div>'


def tiles(
    images: np.ndarray,
    words: Sequence[str],
    colors: Sequence[str],
    *,
    width: int = 76,
    more: Sequence[str] | None = None,
    beside: bool = False,
    out: Sequence[bool] | None = None,
) -> None:
    """Draw faces in a grid that wraps.

    Args:
        images: uint8 (n, side, side).
        words: shown below each.
        colors: of the line below each face, which stands for its label.
        width: least width of a face in pixels.
        more: HTML of `vote_strip` or `vote_bars` for each.
        beside: the HTML stands at the right of the face, not below.
        out: which are drawn faintly.
    """
    if not len(images):
        return
    style, name, places = _sprite(images, width)
    kind = ["beside" if beside else ""] * len(images)
    if out is not None:
        kind = [f"{k} out" if gone else k for k, gone in zip(kind, out, strict=True)]
    figures = [_figure(*parts) for parts in zip(words, colors, places, more or [""] * len(images), kind, strict=True)]
    st.html(f'{style}<div class="{name}">{"".join(figures)}</div>')


def groups(data: Dataset, found: Sequence[np.ndarray], most: int = 12) -> None:
    """Draw groups of images that belong together, each in a frame; of a large group the first `most`."""
    shown = [group[:most] for group in found]
    if not shown:
        return
    every = np.concatenate(shown)
    style, name, places = _sprite(data.images[every], 84)
    colors, words = colors_of(data.names), captions(data, every, split=True)
    parts, at = [], 0
    for group, whole in zip(shown, found, strict=True):
        figures = [
            _figure(words[at + k], colors[data.names[data.labels[i]]], places[at + k], "", "")
            for k, i in enumerate(group)
        ]
        rest = f"<figcaption>and {len(whole) - most:,} more</figcaption>" if len(whole) > most else ""
        parts.append(f'<div class="group">{"".join(figures)}{rest}</div>')
        at += len(group)
    st.html(f'{style}<div class="{name} groups">{"".join(parts)}</div>')


def _figure(words: str, color: str, place: str, more: str, kind: str) -> str:
    lines = escape(words) if "beside" in kind else escape(words).replace(" · ", "<br>")
    return (
        f'<figure class="{kind}"><div class="face" role="img" aria-label="Face: {escape(words)}" '
        f'style="{place}; border-color: {color}"></div>{more}<figcaption>{lines}</figcaption></figure>'
    )


def _sprite(images: np.ndarray, width: int) -> tuple[str, str, list[str]]:
    """Style with all images in one picture, the class to which it applies, and where in it each image lies."""
    picture = base64.b64encode(sprite(images, COLUMNS)).decode()
    down = -(-len(images) // COLUMNS)
    name = "faces-" + hashlib.blake2b(picture.encode() + bytes([width % 256]), digest_size=6).hexdigest()
    style = STYLE.format(name=name, width=width, most=max(132, width), across=COLUMNS, down=down, picture=picture)
    x = [100 * (i % COLUMNS) / (COLUMNS - 1) for i in range(len(images))]
    y = [100 * (i // COLUMNS) / max(down - 1, 1) for i in range(len(images))]
    return style, name, [f"background-position: {a:.4f}% {b:.4f}%" for a, b in zip(x, y, strict=True)]
