"""The table of a comparison, in reStructuredText, for terminal and README alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from benchmarks.comparison import Results, median
from benchmarks.rows import Line, Row, lines
from benchmarks.servers import PEERS, PRODUCT

_COLUMNS = (PRODUCT, *dict.fromkeys(peer.name for peer in PEERS))

# Against whom: the better of the Python ones of each family.
_RATIOS: Mapping[str, tuple[str, ...]] = {
    ": Bun": ("Bun",),
    ": Node": ("Node",),
    ": Python": ("uvicorn", "aiohttp", "websockets", "picows"),
}

Cells = list[str]


def table(rows: Sequence[Row], results: Results) -> str:
    """Medians by server, and the ratios of the product's to theirs, above 1 where the product is ahead."""
    body = [cells for row in rows for line in lines(row) for cells in [_cells(row, line, results)]]
    shown = [index for index in range(len(_header())) if any(cells[index] for cells in body)]
    return rst([_header(), *body], shown)


def rst(rows: Sequence[Cells], shown: Sequence[int]) -> str:
    """A simple table of the columns ``shown``; the first row is its head."""
    widths = [max(len(row[index]) for row in rows) for index in shown]
    rule = "  ".join("=" * width for width in widths)

    def text(row: Cells) -> str:
        cells = [row[index] for index in shown]
        aligned = [cells[0].ljust(widths[0])]
        aligned += [cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True)]
        return "  ".join(aligned).rstrip()

    head, *rest = rows
    return "\n".join([rule, text(head), rule, *map(text, rest), rule])


def _header() -> Cells:
    return ["", *_COLUMNS, *_RATIOS]


def _cells(row: Row, line: Line, results: Results) -> Cells:
    medians = {name: median(results[row, name]) for name in _COLUMNS if results.get((row, name))}
    values = {name: line.of(measured) for name, measured in medians.items()}
    ratios = [_ratio(line, values, peers) for peers in _RATIOS.values()]
    return [f"{row.family}: {line.title.strip()}", *(_figure(values.get(name)) for name in _COLUMNS), *ratios]


def _ratio(line: Line, values: Mapping[str, float], peers: Sequence[str]) -> str:
    theirs = [values[peer] for peer in peers if peer in values]
    ours = values.get(PRODUCT)
    if not theirs or not ours:
        return ""
    best: Callable[[list[float]], float] = min if line.less else max
    ratio = best(theirs) / ours if line.less else ours / best(theirs)
    return f"{ratio:.2f}"


def _figure(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.2f}" if value < 100 else f"{value:,.0f}"
