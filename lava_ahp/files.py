"""Files that are written whole or not at all."""

import errno
import os
import tempfile
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def written_whole(path):
    """Path of a temporary file beside `path` that takes its place when all went well.

    Parameters
    ----------
    path : str or Path
        The file to write; its folder is made if it is missing. Of a link it is what the
        link leads to.

    Yields
    ------
    Path
        Write here. On an exception it is removed and `path` stays as it was.

    Raises
    ------
    OSError
        If there is a folder or a device at `path`, or it cannot be written.
    """
    path = Path(os.path.realpath(path))
    if path.exists() and not path.is_file():
        raise OSError(errno.EEXIST, "found a folder or device, expected a file", str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask
