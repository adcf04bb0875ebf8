"""What the README shows runs as it is written there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("index", range(len(blocks("python"))))
def test_python_block_runs_as_written(index, tmp_path):
    code = blocks("python")[index]
    if "torch" in code or "slayer" in code:
        pytest.importorskip("lava.lib.dl.slayer")
    if "lava." in code:
        pytest.importorskip("lava.magma")
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, timeout=120)


def test_commands_of_the_readme_run_as_written(tmp_path):
    pytest.importorskip("lava.lib.dl.slayer")
    (shell,) = blocks("sh")
    for line in shell.strip().splitlines():
        program, *arguments = line.split("#")[0].split()
        assert program == "lava-ahp"
        if arguments[0] == "train":
            arguments += ["--set", "training.epochs=1", "--set", "network.ahp=20"]
        command = [sys.executable, "-m", "lava_ahp.cli", *arguments]
        subprocess.run(command, cwd=tmp_path, check=True, timeout=120)


def test_files_that_the_readme_names_exist():
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", README.read_text(encoding="utf-8")):
        assert (README.parent / target).exists(), target
