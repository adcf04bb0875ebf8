"""Errors that are the user's to mend; the command line prints them in one line.

Each says what was found, what was expected and where.
"""

from importlib.util import find_spec
from numbers import Integral


class LavaAHPError(Exception):
    """Base of all errors about input: the command line ends with exit code 2."""


class ParameterError(LavaAHPError, ValueError):
    """A value that a neuron, a network or a call cannot take."""


class FileFormatError(LavaAHPError, ValueError):
    """A file that is not what it should be.

    Parameters
    ----------
    path : str or Path
        The file.
    where : str
        Group and field within the file; empty for the file as a whole.
    problem : str
        What was found and what was expected.
    """

    def __init__(self, path, where, problem):
        self.path = str(path)
        self.where = where
        self.problem = problem
        super().__init__(": ".join(part for part in (self.path, where, problem) if part))


class BackendError(LavaAHPError, RuntimeError):
    """Hardware, or the closed package that drives it, that is not there or lacks a part."""


class MissingExtraError(LavaAHPError, ImportError):
    """A feature whose optional dependency is not installed.

    Parameters
    ----------
    feature : str
        What was asked for.
    package : str
        The distribution that is missing.
    extra : str
        The extra of lava-ahp that brings it.
    """

    def __init__(self, feature, package, extra):
        super().__init__(
            f"{feature} needs {package}, which is not installed: "
            f"pip install 'lava-ahp[{extra}]' on Python 3.10"
        )


def require(feature, package, module, extra):
    """Raise :class:`MissingExtraError` unless `module` can be found."""
    try:
        found = find_spec(module) is not None
    except ModuleNotFoundError:
        found = False
    if not found:
        raise MissingExtraError(feature, package, extra)


def check_count(name, value):
    """The value as a positive int, or a :class:`ParameterError`."""
    if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
        raise ParameterError(f"{name}: found {value!r}, expected a positive integer")
    return int(value)
