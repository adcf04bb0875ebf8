"""Files are written whole or not at all."""

import os
import stat

import pytest

from lava_ahp.files import written_whole


def test_the_file_has_what_was_written(tmp_path):
    path = tmp_path / "new" / "folder" / "a.bin"
    with written_whole(path) as temporary:
        temporary.write_bytes(b"content")
        assert not path.exists()
    assert path.read_bytes() == b"content"
    assert os.listdir(path.parent) == ["a.bin"]


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt])
def test_an_exception_leaves_the_old_file_and_nothing_else(tmp_path, kind):
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    with pytest.raises(kind):
        with written_whole(path) as temporary:
            temporary.write_bytes(b"half of the ne")
            raise kind
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.bin"]


def test_the_file_has_the_permissions_of_any_new_file(tmp_path):
    (tmp_path / "plain").touch()
    with written_whole(tmp_path / "a") as temporary:
        temporary.write_text("x")
    modes = {name: stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("plain", "a")}
    assert modes["a"] == modes["plain"]


def test_a_folder_is_not_replaced_and_nothing_is_left_beside_it(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(OSError):
        with written_whole(tmp_path / "a"):
            pass
    assert os.listdir(tmp_path) == ["a"]


def test_a_device_is_not_replaced_by_a_file(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with pytest.raises(OSError):
        with written_whole(path) as temporary:
            temporary.write_text("x")
    assert stat.S_ISFIFO(path.stat().st_mode)
    assert os.listdir(tmp_path) == ["pipe"]


def test_a_link_stays_a_link_and_its_target_is_written(tmp_path):
    (tmp_path / "target").write_text("old")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    with written_whole(tmp_path / "link") as temporary:
        temporary.write_text("new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_text() == "new"
