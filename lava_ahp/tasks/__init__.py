"""Tasks: their data, how it becomes spikes, and what the classes are called."""

from lava_ahp.errors import ParameterError
from lava_ahp.tasks import digits, smnist

TASKS = {task.NAME: task for task in (digits, smnist)}


def get(name):
    """The module of a task.

    Parameters
    ----------
    name : str

    Returns
    -------
    module
        With `NAME`, `CLASS_NAMES`, `SPLITS`, `default_encoding()` and
        `load(split, data=None, encoding=None)`.

    Raises
    ------
    ParameterError
        If there is no such task.
    """
    if name not in TASKS:
        raise ParameterError(f"task: found {name!r}, expected one of {sorted(TASKS)}")
    return TASKS[name]
