"""Which module may import what: the arrows of the design, kept."""

import ast
import shutil
import sys
from pathlib import Path

import pytest

CORE = [
    "neuron",
    "dynamics",
    "network",
    "netx",
    "engine",
    "tasks",
    "interop.nxsdk",
    "hardware",
    "stock",
]

# Who may import it, as folders or modules of lava_ahp; the longest name that fits counts.
ROOMS = {
    "lava": {"processes", "deploy"},
    "lava.lib.dl": {"slayer", "training"},
    "torch": {"slayer", "training"},
}


@pytest.mark.parametrize("module", CORE)
def test_core_module_imports_neither_lava_nor_torch(module, run, tmp_path):
    code = f"import sys, lava_ahp.{module}; print([m for m in ('lava', 'torch') if m in sys.modules])"
    assert run(sys.executable, "-c", code, cwd=tmp_path).splitlines()[-1] == "[]"


def test_import_contracts_hold(installed, root, run, tmp_path):
    """The contracts stand in pyproject.toml; import-linter reads them where it is called."""
    shutil.copytree(installed / "lava_ahp", tmp_path / "lava_ahp")
    shutil.copy2(root / "pyproject.toml", tmp_path)
    out = run(Path(sys.executable).with_name("lint-imports"), "--no-cache", cwd=tmp_path)
    assert "0 broken" in out


def imported(source):
    """Full names of what a module imports, wherever in it the import stands."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            # `from lava.lib import dl` and `from lava.lib.dl import slayer` mean the same room
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room_of(name):
    """The entry of ROOMS that an imported name falls under, or None."""
    fits = [room for room in ROOMS if f"{name}.".startswith(f"{room}.")]
    return max(fits, key=len, default=None)


@pytest.mark.parametrize(
    "source, room",
    [
        ("import lava.lib.dl.slayer as slayer", "lava.lib.dl"),
        ("from lava.lib import dl", "lava.lib.dl"),
        ("def f():\n    from lava.proc.lif.process import LIF", "lava"),
        ("from torch import nn", "torch"),
        ("import lava_ahp.network", None),
        ("import torchvision", None),
    ],
)
def test_an_import_is_told_by_the_room_it_belongs_to(source, room):
    assert [room_of(name) for name in imported(source)] == [room]


def test_lava_and_torch_are_imported_in_their_rooms_only(project_files, root):
    strays = []
    for path in project_files:
        if path.suffix != ".py" or path.parts[0] not in {"lava_ahp", "processes", "netx_models"}:
            continue
        inside = path.parts[1:] if path.parts[0] == "lava_ahp" else path.parts
        for name in imported((root / path).read_text(encoding="utf-8")):
            room = room_of(name)
            if room and Path(inside[0]).stem not in ROOMS[room]:
                strays.append(f"{path}: {name}")
    assert strays == []
