"""Recipes: what a network is made of and how it is trained, validated field by field."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from lava_ahp import tasks
from lava_ahp.config import FieldError, Table, number_or_pair, parse_toml, read_toml, validated
from lava_ahp.errors import FileFormatError, ParameterError
from lava_ahp.neuron import RANGES, VTH_MAX, WEIGHT_SCALE
from lava_ahp.slayer.neuron.ahp import DECAYS
from lava_ahp.tasks import babi
from lava_ahp.training.relational.recipe import RelationalRecipe

_FOLDER = Path(__file__).parent / "recipes"

Tau = Annotated[float, Field(ge=1, le=8192)]
NotNegative = Annotated[float, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
Density = Annotated[float, Field(gt=0, le=1)]
InExp = Annotated[int, Field(ge=RANGES["in_exp"][0], le=RANGES["in_exp"][1])]


class NetworkRecipe(Table):
    """The population, in the units of :class:`lava_ahp.neuron.AHPParameters`.

    It is cut into `columns` of equal size, without connections between them. Each learns
    the task by itself, and they add up in the readout.

    Where a field takes a pair, each neuron draws its value from that range: time
    constants (`tau_u`, `tau_v`, `tau_a`, `readout_tau`, in steps) uniformly in their logarithm, the
    bias uniformly. `threshold`, `ahp_strength` and `bias` are in units of weights, `refractory_period`
    in steps.

    `input_density`, `recurrent_density` and `readout_density` are the shares of possible synapses that
    exist. With `signed_sources` all input or recurrent synapses of a source onto a column have one
    sign. `input_init` and `recurrent_init` scale the weights that lava-dl's blocks begin with.

    The weight 1.0 of the hidden neurons is the integer `weight_scale` on the chip, times
    `2 ** -in_exp`: as weights have 8 bits, `in_exp` takes larger ones in coarser steps.
    The readout's scale is 64, its exponent `readout_in_exp`. A `centred_readout` has biases that
    take off what the mean activity brings: without them an update of the weights also moves the
    voltage of a class in all samples at once.
    """

    regular: Annotated[int, Field(ge=0)]
    ahp: Annotated[int, Field(ge=0)]
    columns: Annotated[int, Field(ge=1)] = 1
    tau_u: number_or_pair(Tau) = 1.0
    tau_v: number_or_pair(Tau) = 20.0
    tau_a: number_or_pair(Tau) = 200.0
    threshold: Positive = 1.0
    ahp_strength: NotNegative = 0.1
    refractory_period: Annotated[int, Field(ge=0, le=62)] = 0
    bias: number_or_pair(float) = 0.0
    readout_tau: Tau = 1000.0
    centred_readout: bool = False
    input_init: Positive = 1.0
    recurrent_init: Positive = 1.0
    input_density: Density = 1.0
    recurrent_density: Density = 1.0
    readout_density: Density = 1.0
    signed_sources: bool = False
    weight_scale: Annotated[int, Field(ge=1, le=4096)] = WEIGHT_SCALE
    in_exp: InExp = 0
    readout_in_exp: InExp = 0

    @model_validator(mode="after")
    def _is_possible(self):
        if self.regular + self.ahp == 0:
            raise FieldError("ahp", "found 0 and regular = 0, expected at least one neuron")
        if self.regular % self.columns or self.ahp % self.columns:
            raise FieldError(
                "columns",
                f"found {self.columns}, expected a number that divides "
                f"regular = {self.regular} and ahp = {self.ahp}",
            )
        if self.weight_scale & (self.weight_scale - 1):
            raise FieldError("weight_scale", f"found {self.weight_scale}, expected a power of two")
        highest = VTH_MAX / self.weight_scale
        if self.threshold > highest:
            raise FieldError(
                "threshold",
                f"found {self.threshold}, expected at most {highest} with weight_scale = {self.weight_scale}",
            )
        for name in ("tau_u", "tau_v", "tau_a", "bias"):
            value = getattr(self, name)
            if isinstance(value, tuple) and value[0] > value[1]:
                raise FieldError(name, f"found the range {list(value)}, expected [low, high]")
        return self


class TrainingRecipe(Table):
    """Optimisation: Adam, surrogate gradients, regularisation.

    Gradients whose norm over all parameters is more than `gradient_clip` are scaled down to it.
    A checkpoint is written every `checkpoint_minutes`.

    The learning rate rises over the first `warmup_updates`, then stays or falls to 0 as
    half a cosine, `cycles` times: each begins at the full rate again. Time constants learn too where
    `time_constant_rate` is not 0: it is the learning rate of their logarithms over that of the
    weights; `ahp_strength_rate` and `bias_rate` are those of the AHP neurons' strength
    and of all biases, in thresholds. Training ends early where validation has not improved for
    `patience` epochs, if that is not 0.

    The surrogate gradient, :class:`lava_ahp.slayer.Triangular`, has `damping` and `width`. Where
    `damping` is a pair it goes evenly from the first value, at the beginning, to the second, at the end.

    What is validated and exported are averages of the weights over updates, each with
    `weight_average` times the share of the next; 0 takes the last.

    The loss is the cross entropy of the readout's voltages after the last step, in
    thresholds, times `output_gain`; its targets are mixed with equal shares of all classes,
    `label_smoothing` in all. `augment` changes images at random before they are shown, but for
    the last `plain_epochs`; its noise, `augment_noise`, is in units of the input's values.
    `firing_rate_weight` scales the mean square of what each neuron fires above
    `firing_rate_target` or below `firing_rate_floor`, in per cent; `voltage_weight` the mean square of voltages below
    -1 thresholds. `rewiring_shrink` and `rewiring_noise` are the L1 term and the random
    walk of DEEP R, in weights per update at the full learning rate.
    """

    epochs: Annotated[int, Field(ge=1)]
    batch_size: Annotated[int, Field(ge=1)] = 64
    learning_rate: Positive = 0.005
    schedule: Literal["cosine", "constant"] = "cosine"
    cycles: Annotated[int, Field(ge=1)] = 1
    warmup_updates: Annotated[int, Field(ge=0)] = 0
    patience: Annotated[int, Field(ge=0)] = 0
    time_constant_rate: NotNegative = 0.0
    ahp_strength_rate: NotNegative = 0.0
    bias_rate: NotNegative = 0.0
    rewiring_shrink: NotNegative = 0.0
    rewiring_noise: NotNegative = 0.0
    damping: number_or_pair(Positive) = 0.3
    width: Positive = 1.0
    gradient_clip: Positive = 1.0
    firing_rate_target: Annotated[float, Field(ge=0, le=1)] = 0.05
    firing_rate_floor: Annotated[float, Field(ge=0, le=1)] = 0.0
    firing_rate_weight: NotNegative = 0.0
    voltage_weight: NotNegative = 0.0
    weight_average: Annotated[float, Field(ge=0, lt=1)] = 0.0
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0
    output_gain: Positive = 1.0
    augment: bool = True
    augment_noise: NotNegative = 0.0
    plain_epochs: Annotated[int, Field(ge=0)] = 0
    checkpoint_minutes: NotNegative = 1.0

    @model_validator(mode="after")
    def _has_a_range_of_rates(self):
        if self.firing_rate_floor > self.firing_rate_target:
            raise FieldError(
                "firing_rate_floor",
                f"found {self.firing_rate_floor}, expected at most "
                f"firing_rate_target = {self.firing_rate_target}",
            )
        return self

    def constant_rates(self):
        """Learning rates of the neurons' constants, over that of the weights."""
        return {
            **dict.fromkeys(DECAYS, self.time_constant_rate),
            "ahp_strength": self.ahp_strength_rate,
            "bias": self.bias_rate,
        }


class Recipe(Table):
    """A task, a network for it, and how to train it.

    `notes`, Markdown, go into the model card: what was tried and what it gave.
    """

    task: str
    seed: Annotated[int, Field(ge=0)] = 0
    notes: str = ""
    network: NetworkRecipe
    training: TrainingRecipe

    @model_validator(mode="after")
    def _knows_task(self):
        if self.task not in tasks.TASKS:
            known = sorted([*tasks.TASKS, babi.NAME])
            raise FieldError("task", f"found {self.task!r}, expected one of {known}")
        return self


def recipe_names():
    """Names of the recipes that come with the package, sorted."""
    return sorted(path.stem for path in _FOLDER.glob("*.toml"))


def load_recipe(name_or_path, overrides=()):
    """Read a recipe, ours by name or a TOML file, and change some of its values.

    Parameters
    ----------
    name_or_path : str or Path
    overrides : iterable of str
        Each `key=value` with a dotted key, such as `training.epochs=10`; values are
        read as TOML, or else as text.

    Returns
    -------
    Recipe or RelationalRecipe
        The latter for the task `babi`.

    Raises
    ------
    FileFormatError
        If the file is missing, no TOML, or a field is missing, unknown or out of range.
    ParameterError
        If an override is no `key=value` or names no field.
    """
    path = Path(name_or_path)
    if str(name_or_path) in recipe_names():
        path = _FOLDER / f"{name_or_path}.toml"
    elif not path.is_file():
        raise FileFormatError(
            path, "", f"found no such recipe, expected a file or one of {recipe_names()}"
        )
    values = read_toml(path)
    for override in overrides:
        _override(values, override)
    kind = RelationalRecipe if values.get("task") == babi.NAME else Recipe
    return validated(kind, values, path)


def _override(values, override):
    key, equals, text = override.partition("=")
    key, text = key.strip(), text.strip()
    if not equals or not key:
        raise ParameterError(f"--set: found {override!r}, expected key=value")
    try:
        value = parse_toml(f"value = {text}")["value"]
    except ValueError:
        value = text
    *tables, name = key.split(".")
    table = values
    for part in tables:
        table = table.setdefault(part, {})
        if not isinstance(table, dict):
            raise ParameterError(f"--set: found {key!r}, but {part!r} is no table of the recipe")
    table[name] = value
