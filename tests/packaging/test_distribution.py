"""The distributions hold the whole package, and work away from the checkout."""

import re
import sys
import tarfile
import zipfile
from email.parser import HeaderParser
from pathlib import Path

import pytest

# folder in the repository -> folder once installed
PACKAGED = {"lava_ahp": "lava_ahp", "processes": "lava_ahp/processes", "netx_models": "lava_ahp/netx_models"}


def expected(project_files):
    """What the wheel should hold, by path, from what lies on disk."""
    for path in project_files:
        if path.parts[0] in PACKAGED:
            yield "/".join([PACKAGED[path.parts[0]], *path.parts[1:]])


@pytest.fixture(scope="module")
def wheel_names(built):
    with zipfile.ZipFile(built.wheel) as wheel:
        return set(wheel.namelist())


def test_wheel_puts_only_lava_ahp_on_the_path(wheel_names):
    assert {name.split("/")[0] for name in wheel_names} == {"lava_ahp", "lava_ahp-0.1.0.dist-info"}


def test_wheel_misses_no_module_and_no_data_file(wheel_names, project_files):
    assert set(expected(project_files)) - wheel_names == set()


def test_wheel_brings_nothing_that_is_not_in_the_repository(wheel_names, project_files):
    inside = {name for name in wheel_names if name.startswith("lava_ahp/")}
    assert inside - set(expected(project_files)) == set()


@pytest.mark.parametrize("folder", ["lava_ahp", "processes", "netx_models"])
def test_every_folder_with_modules_is_a_package(folder, project_files):
    modules = {path.parent for path in project_files if path.parts[0] == folder and path.suffix == ".py"}
    assert modules, f"{folder}/ holds no module"
    assert {path for path in modules if path / "__init__.py" not in project_files} == set()


def test_a_trained_network_and_its_card_are_in_the_wheel(wheel_names):
    networks = {Path(n).stem for n in wheel_names if re.fullmatch(r"lava_ahp/netx_models/[^/]+\.net", n)}
    cards = {Path(n).stem for n in wheel_names if re.fullmatch(r"lava_ahp/netx_models/[^/]+\.md", n)}
    assert networks
    assert networks <= cards


def test_source_archive_holds_what_a_build_needs(built):
    with tarfile.open(built.sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"pyproject.toml", "setup.py", "README.md", "LICENSE", "processes/__init__.py"} <= names


def test_metadata_names_licence_python_and_optional_parts(wheel_names, built):
    assert "lava_ahp-0.1.0.dist-info/licenses/LICENSE" in wheel_names
    with zipfile.ZipFile(built.wheel) as wheel:
        said = HeaderParser().parsestr(wheel.read("lava_ahp-0.1.0.dist-info/METADATA").decode())
    assert said["License-Expression"] == "BSD-3-Clause"
    assert said["Requires-Python"] == ">=3.10"
    assert set(said.get_all("Provides-Extra")) == {"lava", "train", "test"}


@pytest.mark.parametrize("module", ["lava_ahp", "lava_ahp.netx", "lava_ahp.processes", "lava_ahp.netx_models"])
def test_installed_wheel_works_away_from_the_checkout(module, installed, run, tmp_path):
    if module == "lava_ahp.processes":
        pytest.importorskip("lava", reason="Lava runs on Python 3.10 only")
    # The folder stands before site-packages, so the editable install there cannot answer for it.
    code = f"import {module} as m; print(m.__file__)"
    found = run(sys.executable, "-c", code, cwd=tmp_path, pythonpath=installed).splitlines()[-1]
    assert Path(found) == installed.joinpath(*module.split("."), "__init__.py")


def test_console_script_starts_away_from_the_checkout(installed, run, tmp_path):
    script = "import sys; from importlib.metadata import distribution as d; " \
        "(e,) = d('lava-ahp').entry_points.select(group='console_scripts'); " \
        "sys.argv = ['lava-ahp', '--help']; print(e.name); e.load()()"
    out = run(sys.executable, "-c", script, cwd=tmp_path, pythonpath=installed)
    assert out.splitlines()[0] == "lava-ahp"
    assert "demo" in out
