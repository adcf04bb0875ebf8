"""Imports LSNN networks of NxSDK, Intel's first Loihi toolchain: weights in NumPy files.

A network is a folder with `w_in.npy`, `w_rec.npy` and `w_out.npy`, arrays of integers
(of any numeric type) whose rows are sources: input to population, population to itself,
population to readout. The population is a run of regular neurons and then one of
adaptive (AHP) neurons. What the arrays do not say stands in a :class:`Config`; its
defaults are those of Intel's sequential-MNIST network.

On the chip excitatory and inhibitory synapses are separate connections of 8 bits and a
sign, readout neurons are ordinary ones with the highest threshold, and the answer is the
first largest of their voltages.

References
----------
Rao, Plank, Wild and Maass, "A long short-term memory for AI applications in spike-based
neuromorphic hardware", Nature Machine Intelligence 4, 2022.
"""

from dataclasses import fields
from hashlib import sha256
from pathlib import Path

import numpy as np
from pydantic import Field, create_model

from lava_ahp import tasks
from lava_ahp.config import Table, read_toml, validated
from lava_ahp.errors import FileFormatError, ParameterError
from lava_ahp.network import WEIGHT_RANGES, Connection, Group, Layer, Metadata, NetworkSpec
from lava_ahp.neuron import RANGES, VTH_MAX, FixedAHPParameters
from lava_ahp.tasks import encoding

SIGN_MODE = "split"
"""How NxSDK networks keep their weights: excitatory and inhibitory ones apart."""


def _neurons(name, defaults, **others):
    """The table of a group of neurons: every hardware integer, by the name it has here."""
    integers = {
        key: (int, Field(value, strict=True, ge=RANGES[key][0], le=RANGES[key][1]))
        for key, value in defaults.arguments().items()
    }
    return create_model(name, __base__=Table, __module__=__name__, **others, **integers)


def _size(default):
    return int, Field(default, strict=True, ge=0)


# Decays of Intel's network: int(4096 / 20) of v and int(4096 / 700) of a.
Regular = _neurons("Regular", FixedAHPParameters(dv=204, vth=127), n_neurons=_size(140))
Adaptive = _neurons(
    "Adaptive",
    FixedAHPParameters(dv=204, da=5, vth=508, ahp_mant=96, ahp_exp=-4, in_exp=2),
    n_neurons=_size(100),
)
Readout = _neurons("Readout", FixedAHPParameters(dv=204, vth=VTH_MAX))


class Config(Table):
    """What an NxSDK network's arrays do not say.

    Attributes
    ----------
    task : str
        Name of the task, whose data `lava-ahp eval` reads; empty if there is none here.
    class_names : tuple of str or None
        Names of the readout neurons; by default the task's.
    encoding : dict
        Fields of the task's encoding that differ from its defaults.
    regular, ahp : Table
        The first `n_neurons` of the population, and those after them; beside it the
        fields of :class:`lava_ahp.neuron.FixedAHPParameters`. NxSDK's
        `compartmentCurrentDecay` is `du + 1`, its `refractoryDelay` is
        `refractory_period + 1`.
    readout : Table
        The readout neurons, likewise.
    """

    task: str = "smnist"
    class_names: tuple[str, ...] | None = None
    encoding: dict[str, int] = {}
    regular: Regular = Regular()
    ahp: Adaptive = Adaptive()
    readout: Readout = Readout()


def read(folder, config=None):
    """Read an NxSDK network.

    Parameters
    ----------
    folder : str or Path
        With `w_in.npy` (input, neuron), `w_rec.npy` (neuron, neuron) and `w_out.npy`
        (neuron, output), integers from -255 to 255 of any numeric type.
    config : str or Path, optional
        TOML file with the fields of :class:`Config`.

    Returns
    -------
    NetworkSpec
        Layers `hidden` and `readout`; it answers by the readout's voltages.

    Raises
    ------
    FileFormatError
        If a file is missing or damaged, a weight is no integer or out of range, sizes do
        not fit together, or a field of `config` is wrong.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileFormatError(
            folder, "", "found no such folder, expected one with w_in.npy, w_rec.npy and w_out.npy"
        )
    settings, where = Config(), folder
    if config is not None:
        where = Path(config)
        settings = validated(Config, read_toml(where), where)
    paths = {name: folder / f"{name}.npy" for name in ("w_in", "w_rec", "w_out")}
    weights = {name: _read_weights(path) for name, path in paths.items()}
    n = settings.regular.n_neurons + settings.ahp.n_neurons
    n_inputs, n_outputs = weights["w_in"].shape[0], weights["w_out"].shape[1]
    for name, shape in {"w_in": (n_inputs, n), "w_rec": (n, n), "w_out": (n, n_outputs)}.items():
        if weights[name].shape != shape:
            raise FileFormatError(
                paths[name],
                "",
                f"found shape {weights[name].shape}, expected {shape}: the population has "
                f"{settings.regular.n_neurons} regular and {settings.ahp.n_neurons} AHP neurons",
            )
    provenance = {
        "name": folder.resolve().name,
        "imported_from": "NxSDK",
        "sha256": sha256(b"".join(path.read_bytes() for path in paths.values())).hexdigest(),
    }
    try:
        coding, class_names = _meaning(settings)
        if coding is not None and coding.n_channels != n_inputs:
            raise ParameterError(
                f"encoding: found {coding.n_channels} channels, "
                f"expected {n_inputs}, the rows of {paths['w_in'].name}"
            )
        return NetworkSpec(
            layers=_layers(settings, weights),
            readout="voltage",
            metadata=Metadata(
                task=settings.task,
                encoding=coding.to_dict() if coding else {},
                class_names=class_names,
                provenance=provenance,
            ),
        )
    except ParameterError as error:
        raise FileFormatError(where, "", str(error)) from None


def _read_weights(path):
    """The integers of a file, int64, shape (source, target)."""
    if not path.is_file():
        raise FileFormatError(path, "", "found no such file, expected an array of weights")
    try:
        # Mapped, so that a damaged header cannot ask for more memory than the file has.
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise FileFormatError(path, "", f"expected a whole .npy file: {error}") from None
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "iuf":
        found = getattr(array, "dtype", "an archive")
        raise FileFormatError(path, "", f"found {found}, expected an array of numbers")
    if array.ndim != 2 or 0 in array.shape:
        raise FileFormatError(path, "", f"found shape {array.shape}, expected (source, target)")
    low, high = WEIGHT_RANGES[SIGN_MODE]
    values = np.asarray(array, dtype=float)
    good = (values == np.rint(values)) & (values >= low) & (values <= high)
    if not good.all():
        index = tuple(int(i) for i in np.argwhere(~good)[0])
        raise FileFormatError(
            path, "", f"found {values[index]:g} at {index}, expected an integer from {low} to {high}"
        )
    return values.astype(np.int64)


def _meaning(settings):
    """Encoding of the input, or None, and names of the outputs."""
    if not settings.task:
        return None, settings.class_names or ()
    task = tasks.get(settings.task)
    coding = encoding.from_dict({**task.default_encoding().to_dict(), **settings.encoding})
    return coding, task.CLASS_NAMES if settings.class_names is None else settings.class_names


def _layers(settings, weights):
    parts = {"regular": settings.regular, "ahp": settings.ahp}
    sizes = [part.n_neurons for part in parts.values()]

    def connection(name):
        return Connection(weights[name].T, SIGN_MODE)

    hidden = {
        field.name: np.repeat([getattr(part, field.name) for part in parts.values()], sizes)
        for field in fields(FixedAHPParameters)
    }
    return (
        Layer(
            "hidden",
            sum(sizes),
            FixedAHPParameters(**hidden),
            connection("w_in"),
            connection("w_rec"),
            tuple(Group(name, part.n_neurons) for name, part in parts.items() if part.n_neurons),
        ),
        Layer(
            "readout",
            weights["w_out"].shape[1],
            FixedAHPParameters(**settings.readout.model_dump()),
            connection("w_out"),
        ),
    )
