"""Settings in TOML files, validated field by field."""

import json
import sys
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Discriminator, Tag, ValidationError

from lava_ahp.errors import FileFormatError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


class Table(BaseModel):
    """A table of a TOML file: frozen once read, unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class FieldError(ValueError):
    """What is wrong with a field, where a validator of its whole table finds it.

    Parameters
    ----------
    field : str
    problem : str
        What was found and what was expected.
    """

    def __init__(self, field, problem):
        super().__init__(problem)
        self.field = field


_NUMBER, _PAIR = "number", "pair"


def number_or_pair(number):
    """Type of a field that is one number or a pair of them, of type `number`."""

    def kind(value):
        if isinstance(value, (tuple, list)):
            return _PAIR if len(value) == 2 else None
        return _NUMBER if isinstance(value, (int, float)) else None

    expected = "Input should be a number or a pair of numbers"
    discriminator = Discriminator(
        kind, custom_error_type="number_or_pair", custom_error_message=expected
    )
    pair = tuple[number, number]
    return Annotated[Annotated[number, Tag(_NUMBER)] | Annotated[pair, Tag(_PAIR)], discriminator]


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
    where = [part for part in first["loc"] if isinstance(part, str) and part not in (_NUMBER, _PAIR)]
    cause = first.get("ctx", {}).get("error")
    if isinstance(cause, FieldError):
        return ".".join([*where, cause.field]), str(cause)
    if first["type"] == "missing":
        return ".".join(where), "found none, expected a value"
    return ".".join(where), f"found {json.dumps(first['input'], default=str)}: {first['msg']}"
