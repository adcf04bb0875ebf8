"""A relational network as a folder: a manifest and a netx file for each part.

The manifest `relational.json` says which file is which part, what the channels mean and how
spikes go from part to part.
"""

import json
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from lava_ahp import netx, netx_models
from lava_ahp.config import Table, first_problem
from lava_ahp.errors import FileFormatError, ParameterError
from lava_ahp.files import written_whole
from lava_ahp.relational.network import Head, RelationalNetwork
from lava_ahp.tasks.babi import WordSpikes

MANIFEST = "relational.json"

_Count = Annotated[int, Field(ge=1)]


class _Encoding(Table):
    name: Literal["word-spikes"]
    steps_per_word: _Count
    tail: Annotated[int, Field(ge=0)]


class _Head(Table):
    relation: str
    answer: str
    words: tuple[str, ...]


class _Manifest(Table):
    format: Literal[1]
    words: tuple[str, ...]
    encoding: _Encoding
    window: _Count
    max_words: _Count
    max_sentences: _Count
    sentence: str
    question: str
    heads: dict[int, _Head]
    provenance: dict = {}


def load(network):
    """A relational network by the name of a shipped one, by its folder, or as it is."""
    if isinstance(network, RelationalNetwork):
        return network
    return read(locate(network))


def locate(name_or_folder):
    """Folder of a shipped relational network, or the folder itself."""
    shipped = netx_models.folder(str(name_or_folder))
    return shipped if (shipped / MANIFEST).is_file() else Path(name_or_folder)


def is_relational(name_or_folder):
    """Whether there is a relational network of this name or in this folder."""
    return (locate(name_or_folder) / MANIFEST).is_file()


def read(folder):
    """Read a relational network from its folder.

    Parameters
    ----------
    folder : str or Path

    Returns
    -------
    RelationalNetwork

    Raises
    ------
    FileFormatError
        If the manifest or a file is missing or malformed, or parts do not fit together.
    """
    path = Path(folder) / MANIFEST
    manifest = _read_manifest(path)

    def part(name):
        return netx.read(Path(folder) / name)

    coding = manifest.encoding
    try:
        return RelationalNetwork(
            sentence=part(manifest.sentence),
            question=part(manifest.question),
            heads={
                task: Head(part(head.relation), part(head.answer), head.words)
                for task, head in sorted(manifest.heads.items())
            },
            words=manifest.words,
            encoding=WordSpikes(coding.steps_per_word, coding.tail),
            window=manifest.window,
            max_words=manifest.max_words,
            max_sentences=manifest.max_sentences,
        )
    except ParameterError as error:
        raise FileFormatError(path, "", str(error)) from None


def read_provenance(folder):
    """How the network in a folder was made, as :func:`write` was told; errors as of :func:`read`."""
    return _read_manifest(Path(folder) / MANIFEST).provenance


def _read_manifest(path):
    if not path.is_file():
        raise FileFormatError(path, "", "found no such file, expected a manifest of a network")
    try:
        return _Manifest.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise FileFormatError(path, *first_problem(error)) from None


def write(network, folder, provenance=None):
    """Write a relational network to a folder; each file whole or not at all, the manifest last.

    Parameters
    ----------
    network : RelationalNetwork
    folder : str or Path
    provenance : dict, optional
        How the network was made, plain numbers and strings.
    """
    folder = Path(folder)
    netx.write(network.sentence, folder / "sentence.net")
    netx.write(network.question, folder / "question.net")
    heads = {}
    for task, head in sorted(network.heads.items()):
        relation, answer = f"relation-{task}.net", f"answer-{task}.net"
        netx.write(head.relation, folder / relation)
        netx.write(head.answer, folder / answer)
        heads[task] = {"relation": relation, "answer": answer, "words": head.words}
    manifest = {
        "format": 1,
        "words": network.words,
        "encoding": network.encoding.to_dict(),
        "window": network.window,
        "max_words": network.max_words,
        "max_sentences": network.max_sentences,
        "sentence": "sentence.net",
        "question": "question.net",
        "heads": heads,
        "provenance": provenance or {},
    }
    with written_whole(folder / MANIFEST) as temporary:
        temporary.write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
