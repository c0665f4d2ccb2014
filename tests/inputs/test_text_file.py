"""Texts: what is UTF-8 is read the same however it was saved; all else is one sentence."""

import gzip
import os
import threading

import pytest

from gaincell.inputs.text_file import check_text, read_text

TEXT = "one two\nthree caf\xe9 \U0001f600\n"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "text"


@pytest.mark.parametrize("data", [
    TEXT.encode(),
    TEXT.encode("utf-8-sig"),
    TEXT.replace("\n", "\r\n").encode(),
    TEXT.replace("\n", "\r").encode(),
])  # fmt: skip
def test_marks_and_line_ends_make_no_difference(path, data):
    path.write_bytes(data)
    check_text(path)
    assert read_text(path) == TEXT


def test_an_empty_text_is_one(path):
    path.write_bytes(b"")
    check_text(path)
    assert read_text(path) == ""


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (gzip.compress(TEXT.encode(), mtime=0), "is compressed with gzip: unpack it first"),
        (b"PK\x03\x04more", "is a zip archive"),
        (b"\x28\xb5\x2f\xfdmore", "is compressed with zstd"),
        (b"PAR1more", "is a Parquet table"),
        (b"version https://git-lfs.github.com/spec/v1\n", "is a Git LFS pointer"),
        (TEXT.encode("utf-16"), "is UTF-16"),
        (b"\xfe\xff" + TEXT.encode("utf-16-be"), "is UTF-16"),
        (TEXT.encode("utf-32"), "is UTF-32"),
        (TEXT.encode("utf-16-le"), "is no text: byte 1 is 0"),
        (b"one\0two", "is no text: byte 3 is 0"),
    ],
)
def test_files_of_other_kinds_are_refused_by_their_first_bytes(path, data, message):
    path.write_bytes(data)
    for read in (check_text, read_text):
        with pytest.raises(ValueError, match=message):
            read(path)


def test_the_first_byte_that_is_no_utf8_is_named(path):
    path.write_bytes(b"caf\xe9 au lait")
    with pytest.raises(ValueError, match="is no UTF-8: byte 3 is 0xe9; write it anew as UTF-8"):
        read_text(path)


def test_a_file_that_is_not_there_and_a_folder_are_refused(path, tmp_path):
    for read in (check_text, read_text):
        with pytest.raises(ValueError, match="text cannot be read: No such file"):
            read(path)
        with pytest.raises(ValueError, match="cannot be read: Is a directory"):
            read(tmp_path)


def test_a_pipe_is_read_once(path):
    os.mkfifo(path)
    check_text(path)
    writer = threading.Thread(target=path.write_text, args=(TEXT,))
    writer.start()
    assert read_text(path) == TEXT
    writer.join()
