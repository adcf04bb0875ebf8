"""Trained networks that come with the package, each a netx file and a model card."""

from pathlib import Path

_FOLDER = Path(__file__).parent


def names():
    """Names of the shipped networks, sorted."""
    return sorted(path.stem for path in _FOLDER.glob("*.net"))


def path(name):
    """Path of the netx file of a shipped network."""
    return _FOLDER / f"{name}.net"


def folder(name):
    """Folder of a shipped network that consists of several files."""
    return _FOLDER / name


def folders():
    """Names of the shipped networks that consist of several files, sorted."""
    return sorted(path.parent.name for path in _FOLDER.glob("*/relational.json"))


def parts():
    """Names of the netx files of those networks, such as `babi/sentence`, sorted."""
    return sorted(f"{name}/{path.stem}" for name in folders() for path in folder(name).glob("*.net"))
