"""What the packaging tests share: the distributions built from a clean copy, and the wheel installed.

This folder bears the name of a package that others import: it must have no __init__.py.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def root():
    """The root of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def run():
    """Run a command as a caller who knows nothing of this checkout, and return what it printed."""

    def run(*command, cwd, pythonpath=None):
        env = {k: v for k, v in os.environ.items() if k != "VIRTUAL_ENV" and not k.startswith("PYTHON")}
        if pythonpath is not None:
            env["PYTHONPATH"] = str(pythonpath)
        command = [str(part) for part in command]
        done = subprocess.run(
            command, cwd=cwd, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        if done.returncode:
            pytest.fail(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}")
        return done.stdout

    return run


@pytest.fixture(scope="session")
def project_files(run):
    """Path, from the root, of every file that is committed or not ignored."""
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("needs git and a checkout")
    listed = run("git", "ls-files", "-co", "--exclude-standard", "-z", cwd=ROOT).split("\0")
    return [Path(name) for name in listed if name and (ROOT / name).is_file()]


@pytest.fixture(scope="session")
def uv():
    """The uv that the Makefile uses."""
    found = Path(shutil.which("uv") or ROOT / ".tools" / "bin" / "uv")
    if not found.exists():
        pytest.skip("needs uv, which `make` installs")
    return found


@pytest.fixture(scope="session")
def built(run, project_files, tmp_path_factory):
    """The source archive, and the wheel built from it: attributes `sdist` and `wheel`."""
    copy, dist = tmp_path_factory.mktemp("checkout"), tmp_path_factory.mktemp("dist")
    for name in project_files:
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, copy / name)
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", dist, cwd=copy)
    (sdist,), (wheel,) = dist.glob("*.tar.gz"), dist.glob("*.whl")
    return SimpleNamespace(sdist=sdist, wheel=wheel)


@pytest.fixture(scope="session")
def installed(run, built, uv, tmp_path_factory):
    """A folder that holds the wheel as installed, without its dependencies."""
    target = tmp_path_factory.mktemp("site")
    run(uv, "pip", "install", "--quiet", "--offline", "--no-deps", "--python", sys.executable,
        "--target", target, built.wheel, cwd=target)
    return target
