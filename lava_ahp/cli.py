"""The command line: demo, info, eval, ask, train, import-nxsdk, place, energy and conformance.

Each command is one call of Python and prints what it gives. Errors of input are one line
on standard error and exit code 2. Heavy modules are imported when a command needs them.
"""

import json
import os
import signal
import sys
import threading
import time
from contextlib import contextmanager, nullcontext, redirect_stdout
from enum import Enum
from pathlib import Path
from typing import Annotated, Optional

import typer

from lava_ahp.errors import LavaAHPError, ParameterError

EXIT_DIFFERENCE = 1
EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130
EXIT_TERMINATED = 143

SECONDS_BETWEEN_LINES = 10.0
"""How often a line tells of the progress where standard error is no terminal."""

app = typer.Typer(
    name="lava-ahp",
    help="Spiking networks with after-hyperpolarising (AHP) neurons: train, evaluate, run.",
    add_completion=False,
    pretty_exceptions_enable=False,
)


class Backend(str, Enum):
    """What runs a network."""

    engine = "engine"
    lava = "lava"
    loihi2 = "loihi2"


class Form(str, Enum):
    """What AHP neurons are made of."""

    ahp = "ahp"
    stock = "stock"


conformance_app = typer.Typer(help="Recorded states of neurons and networks: check a backend.")
app.add_typer(conformance_app, name="conformance")


class Target(str, Enum):
    """What a network is placed on."""

    loihi1 = "loihi1"
    loihi2 = "loihi2"


Net = Annotated[str, typer.Argument(metavar="NET", help="A shipped network's name or a netx file.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]


def main(arguments=None):
    """Run a command line and return its exit code.

    Parameters
    ----------
    arguments : list of str, optional
        By default those of the process.

    Returns
    -------
    int
        0 if all went well, 1 if a comparison found differences, 2 for bad input, 130
        after Ctrl-C.
    """
    try:
        with _ends_cleanly():
            command = typer.main.get_command(app)
            code = command.main(args=arguments, prog_name="lava-ahp", standalone_mode=False)
            sys.stdout.flush()
            return code or 0
    except (KeyboardInterrupt, typer.Abort):
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader of a pipe, such as `head`, has seen enough; Python must not flush again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _fail(f"{where}{error.strerror or error}")
    except LavaAHPError as error:
        return _fail(error)
    except Exception as error:
        # What Typer raises for a wrong usage; its class has moved between versions.
        if not hasattr(error, "format_message"):
            raise
        return _fail(error.format_message())


def _fail(message):
    print(f"error: {' '.join(str(message).split())}", file=sys.stderr)
    return EXIT_BAD_INPUT


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
):
    if version:
        from lava_ahp import __version__

        print(f"lava-ahp {__version__}")
        raise typer.Exit()
    if context.invoked_subcommand is None:
        print(context.get_help())


@app.command("demo")
def demo_command(
    out: Annotated[Path, typer.Option(help="Picture to write, a PNG file.")] = Path(
        "lava-ahp-demo.png"
    ),
    samples: Annotated[int, typer.Option(help="Test samples to run on Lava.")] = 4,
    network: Annotated[
        str, typer.Option(metavar="NET", help="A shipped network's name or a netx file.")
    ] = "digits",
):
    """Run a network on Lava and in the engine, compare every bit, draw a picture."""
    from lava_ahp.demo import demo

    with _stdout_to_stderr(), _Progress() as progress:
        found = demo(network, out, samples, progress)
    print(_demo_report(found))
    return EXIT_DIFFERENCE if found.comparison.n_differences else 0


@app.command()
def info(network: Net, as_json: Json = False):
    """Show what a network consists of."""
    from lava_ahp import relational
    from lava_ahp.info import describe

    if relational.is_relational(network):
        description = {"network": network, **relational.load(network).describe()}
        print(json.dumps(description) if as_json else _relational_info(description))
        return
    description = describe(network)
    if as_json:
        print(json.dumps(description))
    else:
        from lava_ahp.info import print_tables

        print_tables(description)


@app.command("eval")
def eval_command(
    network: Net,
    data: Annotated[
        Optional[Path], typer.Option(help="The task's data, where it does not bring them.")
    ] = None,
    split: Annotated[
        Optional[str], typer.Option(help="Part of the data; by default test, where there is one.")
    ] = None,
    backend: Annotated[Backend, typer.Option(help="What runs the network.")] = Backend.engine,
    form: Annotated[
        Form, typer.Option(help="On Lava: AHP neurons, or their form out of Lava's own.")
    ] = Form.ahp,
    limit: Annotated[
        Optional[int], typer.Option(help="Use the first samples (of each task) only.")
    ] = None,
    tasks: Annotated[
        Optional[str], typer.Option(help="Tasks of bAbI, such as 1,2,5; by default all.")
    ] = None,
    predictions: Annotated[
        Optional[Path], typer.Option(help="Write the predictions to this file, as int64 .npy.")
    ] = None,
    as_json: Json = False,
):
    """Measure a network's accuracy and firing rates on its task."""
    import numpy as np

    from lava_ahp import relational
    from lava_ahp.evaluation import evaluate
    from lava_ahp.files import written_whole

    if relational.is_relational(network):
        if predictions:
            raise ParameterError("--predictions: found a relational network, expected another")
        with _stdout_to_stderr(), _Progress() as progress:
            found = relational.evaluate(
                network,
                data,
                split,
                _numbers("--tasks", tasks),
                backend.value,
                limit,
                progress=lambda done, total: progress(backend.value, done, total),
            )
        print(json.dumps(found.to_dict()) if as_json else _relational_report(found))
        return
    if tasks:
        raise ParameterError(f"--tasks: found {tasks!r}, expected none: not a relational network")
    # Opened before the run: where it cannot be written one should know at once.
    with written_whole(predictions) if predictions else nullcontext() as temporary:
        with _stdout_to_stderr(), _Progress() as progress:
            found = evaluate(
                network,
                data,
                split or "test",
                backend.value,
                limit,
                progress=lambda done, total: progress(backend.value, done, total),
                form=form.value,
            )
        if temporary:
            # given a name, NumPy would add a suffix to it
            with open(temporary, "wb") as file:
                np.save(file, found.predictions)
    print(json.dumps(found.to_dict()) if as_json else _evaluation_report(found))


@app.command()
def ask(
    network: Annotated[
        str, typer.Argument(metavar="NET", help="A shipped relational network's name or folder.")
    ],
    story: Annotated[
        str, typer.Option(help="File with a sentence a line and the question last; - to type it.")
    ] = "-",
    task: Annotated[
        Optional[int], typer.Option(help="Task whose head answers; by default found by the words.")
    ] = None,
    pairs: Annotated[int, typer.Option(help="Pairs of sentences to show.")] = 5,
    backend: Annotated[Backend, typer.Option(help="What runs the network.")] = Backend.engine,
    as_json: Json = False,
):
    """Answer a question about a story, and show which pairs of sentences drove the answer."""
    from lava_ahp import relational

    text = _typed_story() if story == "-" else Path(story).read_text(encoding="utf-8")
    question = relational.parse_story(text, story)
    with _stdout_to_stderr():
        found = relational.ask(network, question, task, relational.simulator(backend.value))
    print(json.dumps(found.to_dict()) if as_json else _reply(found, pairs))


def _typed_story():
    """Lines from standard input up to the first question."""
    lines = []
    for line in sys.stdin:
        lines.append(line)
        if line.rstrip().endswith("?"):
            break
    return "".join(lines)


def _reply(found, n_pairs):
    lines = [found.answer, f"  from what was learned on task {found.task}; pairs that drove the answer,"]
    lines.append("  with the part of its lead that is lost without the pair:")
    for older, recent, share in found.pairs[:n_pairs]:
        both = older if older == recent else f"{older} + {recent}"
        lines.append(f"  {share:7.0%}  {both}")
    return "\n".join(lines)


def _numbers(option, text):
    """Numbers between commas, or None for no text."""
    if text is None:
        return None
    try:
        return [int(number) for number in text.split(",")]
    except ValueError:
        raise ParameterError(f"{option}: found {text!r}, expected numbers such as 1,2,5") from None


@app.command()
def train(
    recipe: Annotated[str, typer.Argument(help="A shipped recipe's name or a TOML file.")],
    settings: Annotated[
        Optional[list[str]],
        typer.Option(
            "--set", metavar="KEY=VALUE", help="Change a value of the recipe; may be repeated."
        ),
    ] = None,
    out: Annotated[
        Optional[Path], typer.Option(help="File to write; by default the recipe's name.")
    ] = None,
    data: Annotated[
        Optional[Path], typer.Option(help="The task's data, where it does not bring them.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the last checkpoint.")
    ] = False,
    begin: Annotated[
        Optional[Path],
        typer.Option(
            metavar="CHECKPOINT", help="Begin with the best weights of another run of the same network."
        ),
    ] = None,
    extend: Annotated[
        bool,
        typer.Option("--extend", help="Add heads to the relational network that is in OUT already."),
    ] = False,
    test: Annotated[
        bool, typer.Option("--test", help="Measure the test split at the end, once.")
    ] = False,
):
    """Train a network from a recipe."""
    from lava_ahp.training import RelationalRecipe, load_recipe
    from lava_ahp.training import train as train_recipe

    config = load_recipe(recipe, settings or [])
    if isinstance(config, RelationalRecipe):
        if begin:
            raise ParameterError(f"--begin: found recipe {recipe!r}, expected one of a classifier")
        _train_relational(config, Path(recipe).stem, settings or [], out, data, resume, extend)
        return
    if extend:
        raise ParameterError(f"--extend: found recipe {recipe!r}, expected one of a relational network")
    with _stdout_to_stderr(), _Progress() as progress:
        found = train_recipe(
            recipe,
            overrides=settings or [],
            out=out,
            data=data,
            resume=resume,
            begin=begin,
            test=test,
            report=lambda entry: progress.line(_epoch_line(entry)),
            progress=lambda done, total, entry: progress(_epoch_line(entry), done, total),
        )
    if found.path is None:  # of several processes the first one writes and tells
        return
    for split, metrics in found.metrics.items():
        print(f"{split}: accuracy {metrics['accuracy']:.1%} of {metrics['n']} samples")
    print(f"network: {found.path}")
    print(f"card: {found.path.with_suffix('.md')}")
    print(f"course of the training: {found.run_folder}")


def _train_relational(recipe, name, settings, out, data, resume, extend):
    from lava_ahp.training import train_relational

    with _stdout_to_stderr(), _Progress() as progress:
        found = train_relational(
            recipe,
            data,
            name,
            settings,
            out,
            resume,
            extend,
            report=lambda stage, done, total, right: progress(
                f"{stage}: {right:.1%} right", done, total
            ),
        )
    for task, metrics in found.metrics.items():
        print(
            f"task {task}: accuracy {metrics['accuracy']:.1%} of {metrics['n']} questions, "
            f"firing {metrics['firing_rate']:.1%}, {metrics['float_accuracy']:.1%} in floating point"
        )
    print(f"network: {found.path}")
    print(f"card: {found.path / 'README.md'}")


@app.command("import-nxsdk")
def import_nxsdk(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Folder with w_in.npy, w_rec.npy and w_out.npy.")
    ],
    out: Annotated[Path, typer.Option(help="File to write.")],
    config: Annotated[
        Optional[Path],
        typer.Option(help="TOML file with what differs from Intel's sequential-MNIST network."),
    ] = None,
):
    """Import an LSNN network of NxSDK, with the very arithmetic of the chip."""
    from lava_ahp import netx
    from lava_ahp.interop import nxsdk

    network = nxsdk.read(folder, config)
    netx.write(network, out)
    sizes = ", ".join(f"{group.size} {group.name}" for group in network.layers[0].groups)
    print(f"neurons: {sizes}, {network.n_outputs} readout; {network.n_inputs} inputs")
    print(f"network: {out}")


@app.command("place")
def place_command(
    network: Net,
    target: Annotated[Target, typer.Option(help="The chip.")] = Target.loihi1,
    rate: Annotated[
        float, typer.Option(help="Spikes per neuron or channel and step, where not measured.")
    ] = 0.05,
    measure: Annotated[
        Optional[int],
        typer.Option(metavar="N", help="Measure the activity on N samples of the task."),
    ] = None,
    data: Annotated[
        Optional[Path], typer.Option(help="The task's data, where it does not bring them.")
    ] = None,
    split: Annotated[str, typer.Option(help="Part of the data.")] = "test",
    out: Annotated[Optional[Path], typer.Option(help="Picture to write, a PNG file.")] = None,
    as_json: Json = False,
):
    """Place a network on the cores and chips of Loihi."""
    from lava_ahp import cost, relational
    from lava_ahp.files import written_whole

    if relational.is_relational(network):
        if measure or out:
            raise ParameterError("--measure, --out: found a relational network, expected another")
        found = cost.placement_of_copies(network, target.value)
        print(json.dumps(found) if as_json else _copies_report(found))
        return

    with written_whole(out) if out else nullcontext() as temporary:
        with _stdout_to_stderr(), _Progress() as progress:
            placed = cost.placement(
                network,
                target.value,
                rate,
                measure,
                data,
                split,
                progress=lambda done, total: progress("engine", done, total),
            )
        if temporary:
            from lava_ahp import plots

            plots.placement(placed).savefig(temporary, format="png", dpi=150)
    if as_json:
        print(json.dumps(placed.to_dict()))
    else:
        from lava_ahp.hardware.report import print_placement

        activity = f"{rate:g} spikes per neuron and step, given"
        if measure:
            activity = f"measured on {measure} samples"
        print_placement(placed, network, activity)


@app.command("energy")
def energy_command(
    network: Net,
    data: Annotated[
        Optional[Path], typer.Option(help="The task's data, where it does not bring them.")
    ] = None,
    split: Annotated[str, typer.Option(help="Part of the data.")] = "test",
    limit: Annotated[Optional[int], typer.Option(help="Use the first samples only.")] = None,
    cpu_watts: Annotated[
        float, typer.Option(help="Power of the CPU that the LSTM runs on, where unreadable.")
    ] = 10.0,
    as_json: Json = False,
):
    """Estimate a network's energy on Loihi 1, beside an LSTM's on this CPU."""
    from lava_ahp import cost

    with _stdout_to_stderr(), _Progress() as progress:
        found = cost.energy(
            network,
            data,
            split,
            limit,
            cpu_watts,
            progress=lambda done, total: progress("engine", done, total),
        )
    if as_json:
        print(json.dumps(found.to_dict()))
    else:
        from lava_ahp.hardware.report import print_energy

        print_energy(found)


@conformance_app.command("make")
def conformance_make(
    which: Annotated[
        Optional[list[str]],
        typer.Argument(metavar="[NAME]...", help="neurons or shipped networks; by default all."),
    ] = None,
    out: Annotated[
        Optional[Path], typer.Option(help="Folder to write to; by default the package's own.")
    ] = None,
):
    """Record inputs and states, with the engine."""
    from lava_ahp import conformance

    for path in conformance.make(out or conformance.FOLDER, which):
        print(f"vectors: {path}")


@conformance_app.command("check")
def conformance_check(
    which: Annotated[
        Optional[list[str]],
        typer.Argument(metavar="[NAME]...", help="Vectors to check; by default all."),
    ] = None,
    backend: Annotated[
        Backend, typer.Option(help="What is checked.")
    ] = Backend.engine,
    folder: Annotated[
        Optional[Path], typer.Option(help="Folder of vectors; by default the package's own.")
    ] = None,
):
    """Compare every state of every step with what was recorded."""
    from lava_ahp import conformance

    with _stdout_to_stderr(), _Progress() as progress:
        outcomes = conformance.check(
            backend.value,
            which,
            folder or conformance.FOLDER,
            progress=lambda done, total: progress(backend.value, done, total),
        )
    for outcome in outcomes:
        found = outcome.comparison
        told = f"{found.n_values:,} values, {found.n_differences:,} differences"
        if not outcome.conforms:
            told += f"; the first, recorded and found: {found.first}"
        print(f"{outcome.name} on {outcome.backend}: {told}")
    return EXIT_DIFFERENCE if not all(outcome.conforms for outcome in outcomes) else 0


def _epoch_line(entry):
    line = (
        f"epoch {entry['epoch']} of {entry['epochs']}: loss {entry['loss']:.3f}, "
        f"right {entry['accuracy']:.1%}, firing {entry['firing_rate']:.1%}, "
        f"voltage {entry['v_min']:.1f} to {entry['v_max']:.1f}"
    )
    if "validation_accuracy" in entry:
        line += f", validation {entry['validation_accuracy']:.2%}, {entry['seconds']:.0f} s"
    return line


def _evaluation_report(found):
    rates = ", ".join(f"{name} {rate:.2%}" for name, rate in found.firing_rates.items())
    lines = [
        f"{found.network}: task {found.task}, {found.split} split, on {found.backend}",
        f"accuracy      {found.accuracy:.2%} ({found.n_correct} of {found.n})",
        f"firing rate   {found.firing_rate:.2%} of the neurons in a step ({rates})",
        f"time          {_time(found.seconds_per_sample)} a sample of {found.n_steps} steps",
    ]
    if found.readout_spikes:
        lines.insert(
            3,
            f"warning       {found.readout_spikes} spikes of readout neurons, "
            f"each of which resets a voltage that should only integrate",
        )
    if found.operations:
        lines += _operations_report(found.operations)
    return "\n".join(lines)


def _operations_report(found):
    def line(label, total, parts=None):
        by = ", ".join(f"{name} {count:,}" for name, count in parts.items()) if parts else ""
        mean = f"{total / found.n_samples:,.1f} a sample"
        return f"{label:14}{total:,} in all, {mean}" + (f" ({by})" if by else "")

    lines = [
        line("input spikes", found.input_spikes),
        line("spikes", sum(found.spikes.values()), found.spikes),
        line("syn. events", sum(found.synaptic_events.values()), found.synaptic_events),
        line("updates", sum(found.neuron_updates.values()), found.neuron_updates),
        "voltages      "
        + ", ".join(f"{name} {low:,} to {found.v_max[name]:,}" for name, low in found.v_min.items()),
    ]
    for what, counts in (
        ("wraps of the synaptic current", found.wraps),
        ("saturations of a voltage or AHP current", found.saturations),
    ):
        lines += [
            f"warning       {count:,} {what} in group {name}: it needs more than 24 bits"
            for name, count in counts.items()
            if count
        ]
    return lines


def _relational_info(description):
    lines = [
        f"{description['network']}: {len(description['words'])} words of "
        f"{description['encoding']['steps_per_word']} steps, sentences of up to "
        f"{description['max_words']} words, the {description['max_sentences']} most recent ones; "
        f"the last {description['window']} steps go on"
    ]
    for task, head in description["heads"].items():
        lines.append(f"task {task}: answers {', '.join(head['answers'])}")
        for part, found in head["scale"].items():
            lines.append(
                f"  {part:9} {found['copies']:4} copies {found['neurons']:10,} neurons "
                f"{found['synapses']:12,} synapses"
            )
    return "\n".join(lines)


def _copies_report(found):
    lines = [f"every copy of every part, with the head of task {found['task']}, on {found['target']}"]
    lines += [
        f"  {name:9} {part['copies']:4} copies {part['cores']:6,} cores, bound by {part['binding']}"
        for name, part in found["parts"].items()
    ]
    lines.append(f"  total {found['cores']:,} cores, {found['chips']} chips")
    return "\n".join(lines)


def _relational_report(found):
    lines = [f"{found.network}: task babi, {found.split} split, on {found.backend}", ""]
    lines.append("task   accuracy        n   firing   synaptic events a question")
    for task, labels in found.labels.items():
        n, events = len(labels), sum(found.synaptic_events[task].values())
        lines.append(
            f"{task:4}   {found.task_accuracy(task):8.2%}   {n:6}   {found.firing_rate(task):6.2%}"
            f"   {events // n:,}"
        )
    rates = ", ".join(f"{part} {found.firing_rate(part=part):.2%}" for part in found.spikes[task])
    lines += [
        "",
        f"solved        {len(found.solved)} of {len(found.labels)} tasks, mean accuracy {found.accuracy:.2%}",
        f"firing rate   {found.firing_rate():.2%} of the neurons in a step ({rates})",
        f"time          {_time(found.seconds / found.n)} a question",
    ]
    if found.readout_spikes:
        lines.append(f"warning       {found.readout_spikes} spikes of readout neurons")
    return "\n".join(lines)


def _demo_report(found):
    evaluation, comparison = found.evaluation, found.comparison
    same = f"{comparison.n_differences} differences"
    if comparison.n_differences:
        same = f"{same}; the first is {comparison.first}"
    n = len(found.labels)
    rates = ", ".join(f"{name} {rate:.2%}" for name, rate in evaluation.firing_rates.items())
    return "\n".join(
        [
            f"network {evaluation.network}, task {evaluation.task}",
            f"  Lava against the engine   {comparison.n_values:,} values of spikes, u, v, a and "
            f"output: {same}",
            f"  accuracy on Lava          {found.n_correct} of {n} samples right",
            f"  accuracy in the engine    {evaluation.accuracy:.2%} of the test split "
            f"({evaluation.n_correct} of {evaluation.n})",
            f"  firing rate               {evaluation.firing_rate:.2%} of the neurons in a step "
            f"({rates})",
            f"  time on Lava              {_time(found.lava_seconds_per_step)} a step of a sample",
            f"  time in the engine        {_time(found.engine_seconds_per_step)} a step of a sample "
            f"(in batches; {found.speed_ratio:.0f} times faster)",
            f"  picture                   {found.picture}",
        ]
    )


def _time(seconds):
    for unit, factor in (("s", 1.0), ("ms", 1e3), ("us", 1e6)):
        if seconds * factor >= 1:
            break
    return f"{seconds * factor:.3g} {unit}"


class _Progress:
    """Progress on standard error: a bar on a terminal, else a line now and then.

    Called with what is being done, how much of it is done, and how much there is. Where less is
    done than before another stage has begun.
    """

    def __init__(self):
        self.bar = self.task = self.first = None
        self.done = 0
        self.last_line = time.monotonic()

    def __enter__(self):
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

            # Without a thread of its own: Lava forks, and a fork may copy its locks as held.
            self.bar = Progress(
                "{task.description}",
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
                console=Console(stderr=True),
                auto_refresh=False,
                transient=True,
            )
            self.bar.start()
        return self

    def __exit__(self, kind, error, trace):
        if self.bar is not None:
            self.bar.stop()

    def __call__(self, what, done, total):
        now = time.monotonic()
        begins = self.first is None or done < self.done
        if begins:
            self.first = now, done
        self.done = done
        if self.bar is not None:
            if self.task is None:
                self.task = self.bar.add_task(what, total=total)
            elif begins:
                self.bar.reset(self.task)
            self.bar.update(
                self.task, description=what, completed=done, total=total, refresh=True
            )
        elif now - self.last_line >= SECONDS_BETWEEN_LINES:
            self.last_line = now
            begun, before = self.first
            left = ""
            if done > before:
                minutes = (now - begun) * (total - done) / (done - before) / 60
                left = f", {minutes:.1f} minutes left"
            print(f"{what}: {done} of {total}{left}", file=sys.stderr, flush=True)

    def line(self, text):
        """Print a line that stays."""
        if self.bar is not None:
            self.bar.console.print(text, highlight=False)
        else:
            print(text, file=sys.stderr, flush=True)


@contextmanager
def _stdout_to_stderr():
    """Send what Lava and its processes print to standard error.

    Standard output is for results; the processes write to the descriptor itself.
    """
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


@contextmanager
def _ends_cleanly():
    """Turn a request to end into an exception, as Ctrl-C is, so that all is cleaned up."""

    def end(number, frame):
        raise SystemExit(EXIT_TERMINATED)

    kept = None
    if threading.current_thread() is threading.main_thread():
        kept = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        if kept is not None:
            signal.signal(signal.SIGTERM, kept)


if __name__ == "__main__":
    sys.exit(main())
