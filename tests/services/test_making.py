"""What is looked at before twistd gets its service; the rest is seen of processes (test_start, test_refusals)."""

from __future__ import annotations

from pathlib import Path

from yekta.services.making import _check_pidfile
from yekta.services.options import ServiceOptions


def options(folder: Path, pidfile: str, chroot: str | None = None) -> ServiceOptions:
    """Those of a service whose runner was told to write ``pidfile``."""
    options = ServiceOptions()
    options.parent = {"rundir": str(folder), "pidfile": pidfile, "chroot": chroot}
    return options


def test_a_pidfile_that_another_start_has_written_meanwhile_stays(tmp_path: Path) -> None:
    (tmp_path / "pid").write_text("1")
    _check_pidfile(options(tmp_path, "pid"))
    assert (tmp_path / "pid").read_text() == "1"


def test_a_pidfile_below_another_root_is_not_looked_for_below_ours(tmp_path: Path) -> None:
    _check_pidfile(options(tmp_path, "run/pid", chroot="/elsewhere"))
    assert list(tmp_path.iterdir()) == []
