"""Settings in TOML files, validated field by field."""

import json
import sys

from pydantic import BaseModel, ConfigDict, ValidationError

from lava_ahp.errors import FileFormatError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


class Table(BaseModel):
    """A table of a TOML file: frozen once read, unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def parse_toml(text):
    """The values of a TOML text, as a dict; a ValueError where it is none."""
    return tomllib.loads(text)


def read_toml(path):
    """The values of a TOML file.

    Parameters
    ----------
    path : Path

    Returns
    -------
    dict

    Raises
    ------
    FileFormatError
        If there is no such file, or it is no TOML.
    """
    try:
        return parse_toml(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, IsADirectoryError):
        raise FileFormatError(path, "", "found no such file, expected one in TOML") from None
    except ValueError as error:
        raise FileFormatError(path, "", f"expected TOML: {error}") from None


def validated(model, values, path):
    """The values of a file as a :class:`Table`.

    Parameters
    ----------
    model : type
        A subclass of :class:`Table`.
    values : dict
    path : Path
        The file to name in an error.

    Raises
    ------
    FileFormatError
        If a field is missing, unknown or out of range; it names the first.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise FileFormatError(path, *first_problem(error)) from None


def first_problem(error):
    """Field and problem of a ValidationError's first item, as :class:`FileFormatError` has them."""
    first = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"] if isinstance(part, str))
    return where, f"found {json.dumps(first['input'], default=str)}: {first['msg']}"
