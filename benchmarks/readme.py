"""The results in ``README.rst``: what stands between two markers is the last full run's."""

from __future__ import annotations

from pathlib import Path

_README = Path(__file__).with_name("README.rst")


def write(section: str, text: str, path: Path = _README) -> None:
    """Replace what ``section``'s markers enclose. Raises `ValueError` where they are missing."""
    begin, end = f".. {section} begin\n", f".. {section} end\n"
    before, _, rest = path.read_text().partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        raise ValueError(f"{path} has no markers for {section}")
    path.write_text(f"{before}{begin}\n{text.strip()}\n\n{end}{after}")
