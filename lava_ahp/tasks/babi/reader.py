"""Reads the official bAbI text format: from a folder, a tar archive or one task's file.

A line is a number, a sentence and, where it is a question, a tab, the answer, a tab and the
numbers of the lines that support it. The number 1 begins a new story::

    1 Mary moved to the bathroom.
    2 Where is Mary? \tbathroom\t1
"""

import re
import tarfile
from dataclasses import dataclass
from pathlib import Path

from lava_ahp.errors import FileFormatError, ParameterError

LAYOUTS = ("en-valid-10k", "en-10k", "en-valid", "en")
"""Folders of the official archive with English stories, the preferred one first."""

_FILE = re.compile(r"qa(\d+)_(?:.*_)?(train|valid|test)\.txt")
_SPLITS = {"train": "train", "validation": "valid", "test": "test"}
_WORD = re.compile(r"[a-z0-9'-]+")


@dataclass(frozen=True)
class Question:
    """A question about a story.

    Attributes
    ----------
    task : int
        Number of the task, 1 to 20.
    story : tuple of tuple of str
        Words of each sentence told so far, the oldest first; questions are left out.
    words : tuple of str
        Words of the question.
    answer : str
        One word, or several with commas between them.
    support : tuple of int
        Places in `story` of the sentences that give the answer, in the order of the file.
    """

    task: int
    story: tuple[tuple[str, ...], ...]
    words: tuple[str, ...]
    answer: str
    support: tuple[int, ...] = ()


def split_words(text):
    """Words of a sentence in lower case, without punctuation.

    >>> split_words("Where is Mary?")
    ('where', 'is', 'mary')
    """
    return tuple(_WORD.findall(text.lower()))


def read(path, split="train", tasks=None, layout=None):
    """Questions of each task.

    Parameters
    ----------
    path : str or Path
        A folder or tar archive (of any compression) with files such as
        `qa1_single-supporting-fact_train.txt` or `qa1_valid.txt`, in itself or in folders
        such as `en-10k`; or one such file, whatever its split.
    split : {"train", "validation", "test"}, optional
    tasks : iterable of int, optional
        Which tasks; by default all that are there.
    layout : str, optional
        Name of the folder within; by default the first of :data:`LAYOUTS` that is there, or
        the only folder with such files.

    Returns
    -------
    dict of list of Question
        By the number of the task, ascending.

    Raises
    ------
    FileFormatError
        If nothing is found or a line is malformed; it names file, line and what was expected.
    ParameterError
        If there is no such split.
    """
    path = Path(path)
    if split not in _SPLITS:
        raise ParameterError(f"split: found {split!r}, expected one of {tuple(_SPLITS)}")
    if path.is_file() and not tarfile.is_tarfile(path):
        named = _FILE.fullmatch(path.name)
        if named is None:
            raise FileFormatError(
                path, "", "found no tar archive, expected one or a file such as qa1_train.txt"
            )
        found = {int(named[1]): parse(_decode(path.read_bytes(), path), path, int(named[1]))}
    elif path.is_file():
        found = _read_archive(path, split, tasks, layout)
    elif path.is_dir():
        files = [file for file in path.rglob("qa*.txt") if file.is_file()]
        folders = {file: file.parent for file in files}
        chosen = _choose(path, folders, split, layout)
        found = {
            task: parse(_decode(file.read_bytes(), file), file, task)
            for task, file in chosen.items()
            if tasks is None or task in tasks
        }
    else:
        raise FileFormatError(path, "", "found no such file or folder")
    wanted = sorted(found) if tasks is None else list(dict.fromkeys(tasks))
    missing = [task for task in wanted if task not in found]
    if missing:
        raise FileFormatError(path, "", f"found no {split} file of task {missing[0]}, expected one")
    return {task: found[task] for task in sorted(wanted)}


def default_split(path, layout=None):
    """`test` where there are such files, or else `validation`, or else `train`.

    Parameters
    ----------
    path, layout
        As for :func:`read`.

    Raises
    ------
    FileFormatError
        If there is none of them.
    """
    named = _FILE.fullmatch(Path(path).name)
    if named:
        return {short: split for split, short in _SPLITS.items()}[named[2]]
    for split in ("test", "validation"):
        try:
            read(path, split, (), layout)
            return split
        except FileFormatError:
            continue
    read(path, "train", (), layout)
    return "train"


def _read_archive(path, split, tasks, layout):
    try:
        with tarfile.open(path) as archive:
            members = {Path(m.name): m for m in archive.getmembers() if m.isfile()}
            chosen = _choose(path, {name: name.parent for name in members}, split, layout)
            return {
                task: parse(
                    _decode(archive.extractfile(members[name]).read(), path / name), path / name, task
                )
                for task, name in chosen.items()
                if tasks is None or task in tasks
            }
    except (tarfile.TarError, EOFError, OSError) as error:
        raise FileFormatError(path, "", f"expected a tar archive: {error}") from None


def _choose(path, folders, split, layout):
    """The file of each task: `folders` has the folder of each file that there is."""
    by_folder = {}
    for file, folder in folders.items():
        named = _FILE.fullmatch(file.name)
        if named and named[2] == _SPLITS[split]:
            by_folder.setdefault(folder, {})[int(named[1])] = file
    names = {folder: folder.name for folder in by_folder}
    if layout is not None:
        ranked = [folder for folder in by_folder if names[folder] == layout]
    else:
        ranked = sorted(
            (folder for folder in by_folder if names[folder] in LAYOUTS),
            key=lambda folder: LAYOUTS.index(names[folder]),
        ) or (list(by_folder) if len(by_folder) == 1 else [])
    if not ranked:
        seen = f"in folders {sorted(names.values())}" if by_folder else "none"
        expected = f"in a folder {layout!r}" if layout else f"in one folder or in one of {LAYOUTS}"
        raise FileFormatError(
            path, "", f"found {seen} of the {split} files qaN_..._{_SPLITS[split]}.txt, expected them {expected}"
        )
    return by_folder[ranked[0]]


def _decode(data, path):
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise FileFormatError(path, f"line {line}", "expected text in UTF-8") from None


def parse(text, path, task):
    """Questions in the text of one file.

    Parameters
    ----------
    text : str
    path : str or Path
        For errors.
    task : int

    Returns
    -------
    list of Question

    Raises
    ------
    FileFormatError
        With the number of the line.
    """
    questions, story, places, before = [], [], {}, 0
    for at, line in enumerate(text.splitlines(), start=1):

        def fail(problem, at=at):
            raise FileFormatError(path, f"line {at}", problem)

        if not line.strip():
            continue
        number, _, rest = line.strip().partition(" ")
        if not number.isdecimal():
            fail(f"found {line[:40]!r}, expected a line number, a space and a sentence")
        number = int(number)
        if number == 1:
            story, places = [], {}
        elif number != before + 1:
            fail(f"found number {number} after {before}, expected {before + 1}, or 1 for a new story")
        before = number
        sentence, *fields = rest.split("\t")
        words = split_words(sentence)
        if not words:
            fail(f"found {sentence!r}, expected a sentence")
        if not fields:
            if sentence.rstrip().endswith("?"):
                fail("found a question without an answer, expected a tab and the answer after it")
            places[number] = len(story)
            story.append(words)
            continue
        answer = fields[0].strip().lower()
        if not answer or len(fields) > 2:
            fail(f"found {len(fields)} fields after the question, expected its answer and its support")
        support = fields[1].split() if len(fields) == 2 else []
        wrong = [s for s in support if not s.isdecimal() or int(s) not in places]
        if wrong:
            fail(f"found support {wrong[0]!r}, expected numbers of earlier sentences of the story")
        questions.append(
            Question(task, tuple(story), words, answer, tuple(places[int(s)] for s in support))
        )
    if not questions:
        raise FileFormatError(path, "", "found no question, expected at least one")
    return questions
