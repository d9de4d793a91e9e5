"""``yekta etc FOLDER``: what an operator needs beside the package, copied out of it.

The files are those of ``etc/``, which the package carries as ``yekta/etc``; what they are for is not known here.
"""

from __future__ import annotations

import os
import shutil
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yekta
from yekta.command.failure import CommandError

ETC = Path(yekta.__file__).parent / "etc"


def add_to(commands: Any, parents: list[ArgumentParser]) -> None:
    """Declare the arguments."""
    parser = commands.add_parser("etc", parents=parents, help="copy units, proxies, environment, alerts and schema")
    parser.add_argument("destination", type=Path, metavar="FOLDER", help="where to; made where it is missing")
    parser.add_argument("--force", action="store_true", help="overwrite what is there")
    parser.set_defaults(run=run)


async def run(reactor: Any, options: Namespace, network: None) -> int:
    """Run the command."""
    try:
        for path, is_written in copy_etc(options.destination, force=options.force):
            print(f"{'wrote' if is_written else 'kept '} {path}")
    except BrokenPipeError:
        raise
    except OSError as error:
        raise CommandError(f"{error.filename}: {error.strerror}.") from None
    return 0


def copy_etc(destination: Path, *, force: bool = False) -> Iterator[tuple[Path, bool]]:
    """Copy `ETC` into a folder, made where it is missing: each file's path there, and whether it was written.

    A file that is there already is kept, unless by ``force``. Raises `OSError`.
    """
    for source in sorted(ETC.rglob("*")):
        if source.is_dir():
            continue
        target = destination / source.relative_to(ETC)
        # Also a link that leads nowhere is somebody's decision.
        is_new = not os.path.lexists(target)
        if is_new or force:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
        yield target, is_new or force
