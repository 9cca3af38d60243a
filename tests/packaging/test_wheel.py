"""The built wheel, used as somebody uses it who never saw the checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from trainer import TINY, write_config

ROOT = Path(__file__).parents[2]
SOURCES = ("src", "pyproject.toml", "README.md", "LICENSE")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which the wheel was installed; its dependencies are this environment's."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in SOURCES:
        source, copy = ROOT / name, folder / "source" / name
        if source.is_dir():
            shutil.copytree(
                source, copy, ignore=shutil.ignore_patterns("*.egg-info", "__pycache__")
            )
        else:
            copy.parent.mkdir(exist_ok=True)
            shutil.copyfile(source, copy)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    wheels, target = folder / "wheels", folder / "site"
    build = ["wheel", "--no-deps", "--no-build-isolation", "-w", wheels, folder / "source"]
    subprocess.run([*pip, *build], check=True)
    (wheel,) = wheels.glob("blobmaster-*.whl")
    subprocess.run([*pip, "install", "--no-deps", "--target", target, wheel], check=True)
    return target


def blobmaster(
    site: Path, cwd: Path, *arguments: object, typed: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run the installed command in a folder that is no checkout."""
    return subprocess.run(
        [sys.executable, site / "bin" / "blobmaster", *map(str, arguments)],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(site)},
        input=typed,
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_module_and_the_typing_mark_are_in_the_wheel(site: Path):
    def modules(folder: Path) -> set[str]:
        return {str(path.relative_to(folder)) for path in folder.rglob("*.py")}

    assert modules(site / "blobmaster") == modules(ROOT / "src" / "blobmaster")
    assert (site / "blobmaster" / "py.typed").is_file()


def test_the_installed_package_is_what_runs(site: Path, tmp_path: Path):
    where = subprocess.run(
        [sys.executable, "-c", "import blobmaster; print(blobmaster.__file__)"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(where.stdout.strip()).is_relative_to(site)


@pytest.mark.parametrize(
    "kernels", ["the checkout's", pytest.param("compiled anew", marks=pytest.mark.long)]
)
def test_the_wheel_trains_shows_and_plays(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kernels: str
):
    if kernels == "compiled anew":
        monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "kernels"))
    config = write_config(tmp_path, TINY)
    trained = blobmaster(site, tmp_path, "train", "--fast", "--config", config, "--iterations", 2)
    assert trained.returncode == 0, trained.stdout + trained.stderr
    checkpoints = tmp_path / "models" / "checkpoints"
    (newest,) = checkpoints.glob("cache/*iter002.pth")

    page = blobmaster(site, tmp_path, "monitor", "--once")
    assert page.returncode == 0, page.stderr
    assert "finished" in page.stdout

    game = blobmaster(site, tmp_path, "play", newest, "--plain", "--one-round", typed="?\n")
    assert game.returncode == 0, game.stderr
    assert "Your hand" in game.stdout

    page = blobmaster(site, tmp_path, "export", newest, "--web", "blob.html")
    assert page.returncode == 0, page.stderr
    assert "data-page" in (tmp_path / "blob.html").read_text("utf-8")
