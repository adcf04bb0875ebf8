"""Finds the packages, those at the top of the repository that are installed inside lava_ahp included.

Everything else about the project stands in pyproject.toml.
"""

from setuptools import find_packages, setup

MAPPED = {"lava_ahp.processes": "processes", "lava_ahp.netx_models": "netx_models"}

packages = find_packages(include=["lava_ahp", "lava_ahp.*"])
for name, folder in MAPPED.items():
    packages += [name, *(f"{name}.{sub}" for sub in find_packages(folder))]

setup(packages=packages, package_dir={"lava_ahp": "lava_ahp", **MAPPED})
