"""Recipes of relational networks, validated field by field."""

from typing import Annotated, Literal

from pydantic import Field

from lava_ahp.config import Table, number_or_pair
from lava_ahp.network import WEIGHT_RANGES
from lava_ahp.neuron import RANGES, WEIGHT_SCALE
from lava_ahp.tasks.babi import MAX_SENTENCES, N_TASKS, WordSpikes

Count = Annotated[int, Field(ge=1)]
Tau = Annotated[float, Field(ge=1, le=8192)]
NotNegative = Annotated[float, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
Exponent = Annotated[int, Field(ge=RANGES["in_exp"][0], le=RANGES["in_exp"][1])]


class Stage(Table):
    """Adam with gradients clipped to norm 1, over batches of `batch_size`.

    The learning rate rises over the first 50 updates and falls to 0 as half a cosine over
    `updates`. A stage ends early where the batches of the last 250 updates came out right in a
    share of at least `enough`. In the first share `curriculum` of the updates, stories grow from
    the shortest ones to all.
    """

    updates: Count
    batch_size: Count = 64
    learning_rate: Positive = 0.003
    enough: Annotated[float, Field(gt=0)] = 2.0
    curriculum: Annotated[float, Field(ge=0, lt=1)] = 0.0


class ReaderRecipe(Stage):
    """The recurrent populations that read words, and how they learn to.

    Time constants are drawn uniformly in their logarithm where there are two.
    """

    neurons: Count = 128
    tau_u: number_or_pair(Tau) = (1.0, 30.0)
    tau_v: number_or_pair(Tau) = (4.0, 40.0)
    tau_a: number_or_pair(Tau) = (20.0, 120.0)
    ahp_strength: NotNegative = 0.05
    input_init: Positive = 2.0
    recurrent_init: Positive = 0.5
    firing_rate_target: Annotated[float, Field(ge=0, le=1)] = 0.06
    firing_rate_weight: NotNegative = 0.003
    voltage_weight: NotNegative = 0.003


class HeadRecipe(Table):
    """Networks g and f of a task: sizes of their layers, and what their neurons are like."""

    relation: Annotated[tuple[Count, ...], Field(min_length=1)] = (128, 128)
    answer: Annotated[tuple[Count, ...], Field(min_length=1)] = (128,)
    tau_v: Annotated[float, Field(ge=2, le=8192)] = 20.0
    in_exp: Exponent = -1
    readout_tau: Tau = 1000.0


class RateRecipe(Stage):
    """A stage of a head in floating point, as firing rates.

    `rate_weight` scales the mean of what neurons fire above `rate_target` on average;
    `overlap_weight` the loss of telling from g's first layer which of a pair's sentences and the
    question have words in common, and whether one sentence follows the other. It falls to a
    twentieth in the course of the stage.
    """

    rate_target: Annotated[float, Field(ge=0, le=1)] = 0.05
    rate_weight: NotNegative = 0.3
    overlap_weight: NotNegative = 0.0


class SpikingRecipe(Stage):
    """The last stage of a head: spikes, 8-bit weights, surrogate gradients."""

    damping: Positive = 0.5
    width: Positive = 1.0
    weight_average: Annotated[float, Field(ge=0, lt=1)] = 0.98
    firing_rate_target: Annotated[float, Field(ge=0, le=1)] = 0.1
    firing_rate_weight: NotNegative = 0.0003
    voltage_weight: NotNegative = 0.001


class RelationalRecipe(Table):
    """Which tasks, the network that answers their questions, and how it is trained.

    The readers learn first. Then each head learns in three stages: `smooth`, as rates of any
    size; `rates`, as rates in steps of one spike; `spikes`. Names in the stories that it learns
    from are exchanged in one of `renamings` ways; 0 leaves them as they are. With `balance`
    questions are drawn more often whose last supporting sentence lies where that of few questions
    does, counted from the story's end: 1 draws all places alike, 0 all questions. `notes`, Markdown,
    go into the model card: what was tried and what it gave.
    """

    task: Literal["babi"]
    seed: Annotated[int, Field(ge=0)] = 0
    notes: str = ""
    tasks: Annotated[
        tuple[Annotated[int, Field(ge=1, le=N_TASKS)], ...], Field(min_length=1)
    ] = tuple(range(1, N_TASKS + 1))
    steps_per_word: Count = 10
    tail: Annotated[int, Field(ge=0)] = 4
    window: Count = 14
    max_words: Count = 11
    max_sentences: Count = MAX_SENTENCES
    renamings: Annotated[int, Field(ge=0)] = 0
    balance: Annotated[float, Field(ge=0, le=1)] = 0.0
    reader: ReaderRecipe
    head: HeadRecipe
    smooth: RateRecipe
    rates: RateRecipe
    spikes: SpikingRecipe
    checkpoint_minutes: NotNegative = 1.0

    def encoding(self):
        """The encoding of words."""
        return WordSpikes(self.steps_per_word, self.tail)

    def weight_limit(self):
        """Largest weight of a head, in units of the threshold."""
        return (WEIGHT_RANGES["mixed"][1] - 1) * 2.0**self.head.in_exp / WEIGHT_SCALE
