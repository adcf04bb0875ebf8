"""The lock files: what they pin, that nothing in the repository ties it to one registry, that they install."""

import os
import re
import subprocess
from pathlib import Path

import pytest

LOCKS = ["requirements.lock", "requirements-dev.lock", "requirements-bench.lock"]
REGISTRY = re.compile(
    r"https?://\S*(/simple\b|pypi|pythonhosted)|\b(pypi|test[.]pypi)[.](org|python)|pythonhosted[.]org"
)


def requirements(text):
    """The requirements of a lock file, each in one line, comments left out."""
    lines = [line for line in text.replace("\\\n", " ").splitlines() if not line.lstrip().startswith("#")]
    return [line for line in lines if line.strip()]


@pytest.mark.parametrize("name", LOCKS)
def test_every_requirement_has_one_version_and_hashes(name, root):
    found = requirements((root / name).read_text())
    assert found
    assert [r for r in found if not re.match(r"[a-z0-9.-]+==[^ ;]+( ; [^-]+)? +--hash=sha256:[0-9a-f]{64}", r)] == []


def test_lock_files_agree_on_the_core(root):
    core, *more = ({r.split(" ")[0] for r in requirements((root / name).read_text())} for name in LOCKS)
    assert [core - other for other in more] == [set(), set()]


def test_core_lock_brings_no_torch(root):
    names = {r.partition("==")[0] for r in requirements((root / "requirements.lock").read_text())}
    assert {"lava-nc", "numba", "h5py", "setuptools"} <= names
    assert names & {"torch", "lava-dl", "pytest"} == set()


def test_no_file_names_a_registry(project_files, root):
    named = []
    for path in project_files:
        try:
            text = (root / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # networks and pictures
        named += [f"{path}: {match.group()}" for match in REGISTRY.finditer(text)]
    assert named == []


@pytest.mark.parametrize("name", LOCKS)
def test_lock_files_hold_no_address_and_no_option(name, root):
    text = (root / name).read_text()
    assert "://" not in text
    assert re.findall(r"(?m)^-.*", text) == []


def find_python(version, uv, folder):
    """A Python of this version, as uv finds it or among those of pyenv; None where there is none."""
    found = subprocess.run(
        [uv, "python", "find", "--no-python-downloads", version], cwd=folder, text=True, capture_output=True
    )
    if found.returncode == 0:
        return found.stdout.strip()
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    return next(pyenv.glob(f"versions/{version}.*/bin/python"), None)


@pytest.mark.slow
@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_core_installs_from_the_lock_and_runs_on(version, root, built, uv, run, tmp_path):
    base = find_python(version, uv, tmp_path)
    if base is None:
        pytest.skip(f"no Python {version} here")
    run(uv, "venv", "--quiet", "--python", base, tmp_path / "env", cwd=tmp_path)
    programs = tmp_path / "env" / "bin"
    python = programs / "python"
    run(uv, "pip", "sync", "--python", python, "--require-hashes", root / "requirements.lock", cwd=tmp_path)
    run(uv, "pip", "install", "--python", python, "--no-deps", built.wheel, cwd=tmp_path)
    run(uv, "pip", "check", "--python", python, cwd=tmp_path)
    code = "import sys, lava_ahp.engine, lava_ahp.tasks, lava_ahp.netx, lava_ahp.cli; print(sys.version)"
    assert run(python, "-c", code, cwd=tmp_path).startswith(version + ".")
    assert "demo" in run(programs / "lava-ahp", "--help", cwd=tmp_path)
