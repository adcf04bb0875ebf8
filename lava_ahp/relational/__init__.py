"""The spiking relational network: readers of sentences, relations of pairs, answers."""

from lava_ahp.relational.ask import Reply, ask, parse_story
from lava_ahp.relational.evaluation import RelationalEvaluation, evaluate, simulator
from lava_ahp.relational.files import is_relational, load, read, read_provenance, write
from lava_ahp.relational.network import Answers, Head, RelationalNetwork
from lava_ahp.relational.run import answer, codes, influence

__all__ = [
    "Answers",
    "Head",
    "RelationalEvaluation",
    "RelationalNetwork",
    "Reply",
    "answer",
    "ask",
    "codes",
    "evaluate",
    "influence",
    "is_relational",
    "load",
    "parse_story",
    "read",
    "read_provenance",
    "simulator",
    "write",
]
