"""``python -m benchmarks``: the comparison with the peers; with options, a part of it, or what else is measured."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks import answers, generator, growth, machine, readme, rows, servers, tricks, workers, wrapped
from benchmarks.children import ROOT
from benchmarks.comparison import Comparison, progress
from benchmarks.table import table

# Beside the comparison.
_SECTIONS = {"growth": growth, "workers": workers, "wrapped": wrapped, "answers": answers, "tricks": tricks}


def _arguments(given: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rows", type=_list, help="keys or patterns, e.g. echo,native:*; of --tricks: names (all)")
    parser.add_argument("--peers", type=_list, help="names, or none (all)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each row is measured (3)")
    parser.add_argument("--seconds", type=float, default=1.5, help="how long, after a warm-up of a quarter (1.5)")
    parser.add_argument("--reactor", default="", help="of the product, by Twisted's name (the service's own choice)")
    parser.add_argument("--write", action="store_true", help="keep the results in README.rst, as a full run does")
    for section, module in _SECTIONS.items():
        doing = (module.__doc__ or "").splitlines()[0]
        parser.add_argument(f"--{section}", action="append_const", dest="sections", const=section, help=doing)
    return parser.parse_args(given)


def _list(text: str) -> list[str]:
    return text.split(",")


def main(given: list[str]) -> int:
    """Run what was asked for; the status of the process."""
    asked = _arguments(given)
    generator.build()
    failures: list[str] = []
    run: dict[str, Callable[[Path, argparse.Namespace, list[str]], None]] = {
        "comparison": _compare,
        "growth": _grow,
        "workers": _work,
        "wrapped": _wrap,
        "answers": _answer,
        "tricks": _leave_out,
    }
    for section in asked.sections or ["comparison"]:
        with tempfile.TemporaryDirectory() as folder:
            try:
                run[section](Path(folder), asked, failures)
            except (generator.LoadError, RuntimeError) as error:
                failures.append(f"{section}: {error}")
    progress("")
    for failure in failures:
        print(f"FAILED {failure}", file=sys.stderr)
    return 1 if failures else 0


def _compare(folder: Path, asked: argparse.Namespace, failures: list[str]) -> None:
    measured = rows.chosen(asked.rows)
    if not measured:
        raise RuntimeError("no row has such a key")
    tokens = _tokens(folder, rows.IDLE if any(row.is_memory for row in measured) else 100, asked)
    comparison = Comparison(tokens, asked.rounds, asked.seconds)
    comparison.run(measured, [servers.product(folder, asked.reactor), *servers.chosen(asked.peers)])
    failures += comparison.failures
    is_full = asked.rows is None and asked.peers is None and asked.rounds >= 3 and not comparison.failures
    medians = f"Medians of {asked.rounds} interleaved rounds of {asked.seconds:g} s; memory once."
    told = f"{table(measured, comparison.results)}\n\n{medians}\n{machine.described(asked.reactor)}"
    _tell("results", told, is_full or asked.write)


def _grow(folder: Path, asked: argparse.Namespace, failures: list[str]) -> None:
    tokens = _tokens(folder, growth.SIZES[-1], asked)
    told = growth.run(servers.product(folder, asked.reactor), tokens, asked.seconds)
    _tell("growth", f"{told}\n{machine.described(asked.reactor)}", asked.write)


def _work(folder: Path, asked: argparse.Namespace, failures: list[str]) -> None:
    tokens = _tokens(folder, 100, asked)
    told = workers.run(folder, tokens, asked.reactor, asked.rounds, asked.seconds)
    _tell("workers", f"{told}\n{machine.described(asked.reactor)}", asked.write)


def _wrap(folder: Path, asked: argparse.Namespace, failures: list[str]) -> None:
    told = wrapped.run(folder, _tokens(folder, 100, asked), asked.reactor, asked.rounds, asked.seconds)
    _tell("wrapped", f"{told}\n\n{machine.described(asked.reactor)}", asked.write)


def _leave_out(folder: Path, asked: argparse.Namespace, failures: list[str]) -> None:
    tokens = _tokens(folder, rows.IDLE, asked)
    told = tricks.run(
        tricks.named(asked.rows), folder, tokens, asked.reactor, asked.rounds, asked.seconds, failures
    )
    _tell("tricks", f"{told}\n\n{machine.described(asked.reactor)}", asked.write and not failures)


def _answer(folder: Path, asked: argparse.Namespace, failures: list[str]) -> None:
    # Each in a process of its own: a reactor runs once, and ends its process.
    modules = ("benchmarks.answers", "benchmarks.readers")
    ended = [subprocess.run([sys.executable, "-m", module], cwd=ROOT, check=False) for module in modules]
    failures += [f"{module}: see above" for module, each in zip(modules, ended, strict=True) if each.returncode]


def _tokens(folder: Path, count: int, asked: argparse.Namespace) -> Path:
    with servers.running(servers.product(folder, asked.reactor)) as gateway:
        return servers.acquire(gateway, folder, count)


def _tell(section: str, text: str, write: bool) -> None:
    progress("")
    print(text, flush=True)
    if write:
        readme.write(section, text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
