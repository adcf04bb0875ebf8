"""Checkpoints of training runs, as a run reads them that goes on from one."""

import torch

from lava_ahp.config import validated
from lava_ahp.errors import FileFormatError


def read(path, recipe, tables=None):
    """State of a checkpoint.

    Parameters
    ----------
    path : Path
    recipe : Table
        What the checkpoint's recipe has to agree with.
    tables : collection of str, optional
        Which of its tables; by default all.

    Returns
    -------
    dict

    Raises
    ------
    FileFormatError
        If there is no checkpoint, or its recipe has another value; the first such field is named.
    """
    if not path.is_file():
        raise FileFormatError(path, "", "found no checkpoint, expected one to go on from")
    try:
        state = torch.load(path, weights_only=True)
    except Exception as error:  # torch raises many kinds for a broken file
        raise FileFormatError(path, "", f"expected a checkpoint: {error}") from None
    if not isinstance(state, dict) or "recipe" not in state:
        raise FileFormatError(path, "recipe", "found none, expected the checkpoint of a training run")
    theirs = validated(type(recipe), state["recipe"], path).model_dump(mode="json")
    mine = recipe.model_dump(mode="json")
    for table in mine if tables is None else tables:
        different = _first_difference(f"recipe.{table}", theirs[table], mine[table])
        if different:
            where, found, expected = different
            raise FileFormatError(path, where, f"found {found}, expected {expected} as in the recipe")
    return state


def _first_difference(where, found, expected):
    if isinstance(found, dict) and isinstance(expected, dict):
        parts = (_first_difference(f"{where}.{key}", found[key], expected[key]) for key in expected)
        return next(filter(None, parts), None)
    return None if found == expected else (where, found, expected)
