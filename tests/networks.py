"""Small random networks for the tests."""

import numpy as np

from lava_ahp.network import Connection, Group, Layer, Metadata, NetworkSpec
from lava_ahp.neuron import VTH_MAX, FixedAHPParameters
from lava_ahp.tasks import digits


def digits_network(seed=0, regular=6, ahp=5, metadata=None):
    """An untrained network for the digits task: two groups of hidden neurons, ten readouts."""
    random = np.random.default_rng(seed)
    n = regular + ahp
    is_ahp = np.arange(n) >= regular
    hidden = Layer(
        name="hidden",
        n_neurons=n,
        neuron=FixedAHPParameters(
            du=4095,
            dv=205,
            da=20,
            vth=np.where(is_ahp, 508, 127),
            ahp_mant=np.where(is_ahp, 96, 0),
            ahp_exp=0,
            in_exp=np.where(is_ahp, 2, 0),
        ),
        inputs=Connection(random.integers(-40, 60, (n, 34)), "split"),
        recurrent=Connection(random.integers(-60, 60, (n, n)), "split"),
        groups=(Group("regular", regular), Group("AHP", ahp)),
    )
    readout = Layer(
        name="readout",
        n_neurons=10,
        neuron=FixedAHPParameters(du=4095, dv=5, vth=VTH_MAX),
        inputs=Connection(random.integers(-99, 100, (10, n)), "split"),
    )
    if metadata is None:
        metadata = Metadata(
            task=digits.NAME,
            encoding=digits.default_encoding().to_dict(),
            class_names=digits.CLASS_NAMES,
            provenance={"name": "random digits", "seed": seed},
        )
    return NetworkSpec(layers=(hidden, readout), readout="voltage", metadata=metadata)
