"""The examples in docstrings give what they say."""

import doctest
import importlib

import pytest

MODULES = (
    "dynamics",
    "errors",
    "files",
    "network",
    "neuron",
    "evaluation",
    "engine.session",
    "plots",
    "info",
    "hardware.placement",
)


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_a_module_hold(name):
    results = doctest.testmod(importlib.import_module(f"lava_ahp.{name}"))
    assert results.failed == 0


def test_the_neuron_has_examples_to_run():
    from lava_ahp import neuron

    assert doctest.testmod(neuron).attempted >= 4
