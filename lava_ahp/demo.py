"""Shows that a network does the same on Lava and in the engine, and draws what it does."""

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lava_ahp import netx
from lava_ahp.comparison import COMPARED, Comparison, compare
from lava_ahp.engine import Result, simulate
from lava_ahp.errors import check_count
from lava_ahp.evaluation import (
    Evaluation,
    evaluate,
    load_samples,
)
from lava_ahp.files import written_whole

@dataclass(frozen=True, eq=False)
class Demo:
    """What the demonstration found.

    Attributes
    ----------
    evaluation : Evaluation
        Of the engine, over the whole test split.
    comparison : Comparison
        Of Lava and the engine, over the first test samples.
    lava, engine : Result
        Of these samples, everything recorded.
    labels : ndarray of int64
        Of these samples.
    lava_seconds_per_step, engine_seconds_per_step : float
        Time for one step of one sample, nothing recorded: on Lava without the start of
        its processes, in the engine over the test split, in batches.
    picture : Path
        The picture of the first sample.
    """

    evaluation: Evaluation
    comparison: Comparison
    lava: Result
    engine: Result
    labels: np.ndarray
    lava_seconds_per_step: float
    engine_seconds_per_step: float
    picture: Path

    @property
    def n_correct(self):
        """Number of samples that Lava got right."""
        return int(np.count_nonzero(self.lava.predictions == self.labels))

    @property
    def speed_ratio(self):
        """How many times faster the engine is."""
        return self.lava_seconds_per_step / self.engine_seconds_per_step


def demo(network="digits", out="lava-ahp-demo.png", n_samples=4, progress=None):
    """Run a network on Lava and in the engine, compare every bit, and draw one sample.

    Parameters
    ----------
    network : NetworkSpec, str or Path, optional
        A network whose metadata name its task.
    out : str or Path, optional
        PNG file to write.
    n_samples : int, optional
        Test samples to run on Lava.
    progress : callable, optional
        Called with what is being done (str), the number of finished samples and their
        total.

    Returns
    -------
    Demo

    Raises
    ------
    LavaAHPError
        If the network, its task or an argument is not what it should be, or Lava is
        missing.
    """
    from lava_ahp import plots
    from lava_ahp.processes import simulate_on_lava

    report = progress or (lambda what, done, total: None)
    check_count("n_samples", n_samples)
    spec = netx.load(network)
    samples = load_samples(spec, limit=n_samples)
    n, n_steps = len(samples), samples.spikes.n_steps
    with written_whole(out) as temporary:
        evaluation = evaluate(
            network, progress=lambda done, total: report("engine, test split", done, total)
        )
        # Recording slows Lava down several times, so its pace is taken in a run without.
        clock = _Clock(lambda done: report("Lava", done, n))
        simulate_on_lava(spec, samples.spikes, n_steps, progress=clock.tick)
        lava = simulate_on_lava(
            spec,
            samples.spikes,
            n_steps,
            record=COMPARED,
            progress=lambda done: report("Lava, recording every step", done, n),
        )
        engine = simulate(spec, samples.spikes[0:n], COMPARED)
        picture = plots.sample(
            spec,
            lava,
            samples.spikes[0],
            pixels=getattr(samples, "images", [None])[0],
            label=int(samples.labels[0]),
            cue_steps=getattr(samples.spikes.encoding, "cue_steps", 0),
            title=f"{spec.metadata.task}: the first test sample, run on Lava",
        )
        picture.savefig(temporary, format="png", dpi=150)
    return Demo(
        evaluation=evaluation,
        comparison=compare(lava, engine),
        lava=lava,
        engine=engine,
        labels=samples.labels,
        lava_seconds_per_step=clock.seconds_per_sample() / n_steps,
        engine_seconds_per_step=evaluation.seconds_per_sample / n_steps,
        picture=Path(out),
    )


class _Clock:
    """When each sample was finished."""

    def __init__(self, report):
        self.report = report
        self.start = time.perf_counter()
        self.ticks = []

    def tick(self, done):
        self.ticks.append(time.perf_counter())
        self.report(done)

    def seconds_per_sample(self):
        """From the second sample on, if there is one: the first includes Lava's start."""
        if len(self.ticks) < 2:
            return self.ticks[0] - self.start
        return (self.ticks[-1] - self.ticks[0]) / (len(self.ticks) - 1)
