"""The package as others get it: an sdist, the wheel made of it, and that one installed where our folder is not."""

from __future__ import annotations

import re
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from collections.abc import Iterable
from pathlib import Path

import attrs
import pytest

from tests.support.attacks import Wire
from tests.support.services import TWISTD, attempt, environment, started

ROOT = Path(__file__).parents[1]
SHIPPED = (".ci", "benchmarks", "docs", "etc", "tests", "twisted", "yekta")
GENERATED = {"__pycache__", "node_modules", "dropin.cache", ".venv", ".installed"}

every_service = pytest.mark.parametrize("service", ["yektayar-api", "yektayar-ws"])


def files(folder: Path) -> set[str]:
    """All files below, by their path from there."""
    # One that is generated is called as the folder of its source.
    paths = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file() and path.name != "load")
    return {str(path) for path in paths if not GENERATED & set(path.parts)}


def run(*command: str | Path, folder: Path) -> str:
    """What a program says that ends well."""
    ended = subprocess.run(command, cwd=folder, env=environment({}), text=True, capture_output=True)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout + ended.stderr


@attrs.frozen
class Built:
    """What ``python -m build`` makes, and what it says."""

    sdist: Path
    wheel: Path
    said: str


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("dist")
    # Isolated, it would fetch the newest setuptools each time; the one of the `test` extra is as good.
    said = run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, folder=ROOT)
    return Built(next(folder.glob("*.tar.gz")), next(folder.glob("*.whl")), said)


@pytest.fixture(scope="module")
def python(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python that has the wheel, and sees our environment's other packages but not what is editable there."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder)
    python = folder / "bin" / "python"
    install = ("-m", "pip", "--python", python, "install", "--quiet", "--no-index", "--no-deps", built.wheel)
    run(sys.executable, *install, folder=folder)
    installed = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", folder=folder).strip())
    (installed / "others.pth").write_text("\n".join({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}))
    return python


def test_nothing_that_is_built_is_deprecated(built: Built) -> None:
    assert "eprecat" not in built.said
    assert "would be ignored" not in built.said


def test_the_sdist_has_all_that_the_tests_need(built: Built) -> None:
    with tarfile.open(built.sdist) as archive:
        packed = {member.name.partition("/")[2] for member in archive if member.isfile()}
    for folder in SHIPPED:
        assert {f"{folder}/{path}" for path in files(ROOT / folder)} <= packed
    assert {"LICENSE", "Makefile", "NEWS.rst", "README.rst", "pyproject.toml", "ruff.toml", "setup.cfg"} <= packed
    assert not [path for path in packed if GENERATED & set(Path(path).parts)]


def test_the_wheel_has_the_packages_the_plugin_and_the_data(built: Built) -> None:
    with zipfile.ZipFile(built.wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    expected = {f"yekta/{path}" for path in files(ROOT / "yekta")}
    expected |= {f"yekta/etc/{path}" for path in files(ROOT / "etc")}
    assert packed == expected | {"twisted/plugins/yektayar.py"}


def test_the_wheel_has_the_license_that_it_names(built: Built) -> None:
    with zipfile.ZipFile(built.wheel) as archive:
        (license,) = (name for name in archive.namelist() if name.endswith(".dist-info/licenses/LICENSE"))
        assert archive.read(license) == (ROOT / "LICENSE").read_bytes()
        metadata = archive.read(license.replace("licenses/LICENSE", "METADATA")).decode()
    assert re.search(r"^License(-Expression)?: MIT$", metadata, re.MULTILINE)


def test_each_folder_of_etc_is_explained() -> None:
    folders = {f"{path.name}/" for path in (ROOT / "etc").iterdir() if path.is_dir()}
    assert folders == set(re.findall(r"^([\w.]+/)  ", (ROOT / "etc" / "README.rst").read_text(), re.MULTILINE))


@every_service
def test_an_installed_service_tells_its_options(python: Path, tmp_path: Path, service: str) -> None:
    ended = attempt(service, "--help", folder=tmp_path, twistd=(str(python), *TWISTD))
    assert ended.status == 0
    assert "--listen=" in ended.out


@every_service
def test_an_installed_service_is_healthy(python: Path, tmp_path: Path, service: str) -> None:
    twistd = (str(python), *TWISTD, "--nodaemon", "--pidfile=")
    with started(service, folder=tmp_path, twistd=twistd) as running, Wire(running.port) as wire:
        assert wire.request("GET", "/health").status == 200
        assert running.stop() == 0


def test_what_is_installed_is_not_our_folder(python: Path, tmp_path: Path) -> None:
    where = run(python, "-c", "import yekta; print(yekta.__file__)", folder=tmp_path)
    assert Path(where).is_relative_to(python.parents[1])


def copied(python: Path, folder: Path, *options: str) -> Iterable[str]:
    """What the command says of each file, without the folder."""
    said = run(python.with_name("yekta"), "etc", "etc", *options, folder=folder)
    return [line.replace(" etc/", " ") for line in said.splitlines()]


def test_one_command_copies_etc(python: Path, tmp_path: Path) -> None:
    assert copied(python, tmp_path) == [f"wrote {path}" for path in sorted(files(ROOT / "etc"), key=Path)]
    for path in files(ROOT / "etc"):
        assert (tmp_path / "etc" / path).read_bytes() == (ROOT / "etc" / path).read_bytes()


def test_what_is_there_is_kept_unless_it_is_forced(python: Path, tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    ours = tmp_path / "etc" / "README.rst"
    ours.write_text("ours")
    assert "kept  README.rst" in copied(python, tmp_path)
    assert ours.read_text() == "ours"
    assert {line[:5] for line in copied(python, tmp_path)} == {"kept "}
    assert {line[:5] for line in copied(python, tmp_path, "--force")} == {"wrote"}
    assert ours.read_text() == (ROOT / "etc" / "README.rst").read_text()


def test_what_cannot_be_written_is_one_sentence(python: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    command = (python.with_name("yekta"), "etc", "file")
    ended = subprocess.run(command, cwd=tmp_path, env=environment({}), text=True, capture_output=True)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == "yekta: file: File exists.\n"
