"""Runs Lava Processes on given input and returns what they did; for the tests."""

from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.monitor.process import Monitor

from lava_ahp.processes import SpikeSource


def record(targets, n_steps, config=None, **run_options):
    """Values of Vars and OutPorts at every step.

    Parameters
    ----------
    targets : dict
        Var or OutPort by name; their Processes are connected already.
    n_steps : int
        Steps to run.
    config : RunConfig, optional
        By default bit-accurate.
    **run_options
        Of `Loihi2SimCfg`.

    Returns
    -------
    dict of ndarray, shape (n_steps, *shape of the target)
    """
    if config is None:
        config = Loihi2SimCfg(**(run_options or {"select_tag": "fixed_pt"}))
    monitors = {name: Monitor() for name in targets}
    for name, target in targets.items():
        monitors[name].probe(target, n_steps)
    process = next(iter(targets.values())).process
    try:
        process.run(condition=RunSteps(n_steps), run_cfg=config)
        return {
            name: next(iter(next(iter(monitor.get_data().values())).values())).copy()
            for name, monitor in monitors.items()
        }
    finally:
        process.stop()


def feed(x, *processes):
    """Connect input of shape (time, *channels) to the processes; returns its source."""
    source = SpikeSource(shape=x.shape[1:], samples=[x], n_steps=len(x))
    for process in processes:
        port = process.a_in if hasattr(process, "a_in") else process.s_in
        source.s_out.connect(port)
    return source
