"""JSON files with a header (`optsplit` = kind, `version`) around one typed object."""

from __future__ import annotations

import gzip
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from optsplit.errors import FileFormatError

VERSION = 1

T = TypeVar("T")

# msgspec raises its own errors for most, but not for text that is not UTF-8 or brackets nested too deep
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class _Header(msgspec.Struct, rename={"kind": "optsplit"}):
    kind: str
    version: int
    content: msgspec.Raw


def dumps(kind: str, content: Any) -> bytes:
    """The JSON text of a file: header, then `content` (dataclasses, structs and plain data)."""
    body = msgspec.json.encode(content)
    return msgspec.json.encode({"optsplit": kind, "version": VERSION, "content": msgspec.Raw(body)})


def write(path: str | Path, kind: str, content: Any) -> None:
    """Write a file whole: into a neighbour first, then renamed, so that nothing is lost half way.

    A symbolic link is followed; a device or a pipe (/dev/null, /dev/stdout) is written to.
    """
    data = dumps(kind, content)
    if Path(path).suffix == ".gz":
        # no time stamp inside: the same content gives the same file
        data = gzip.compress(data, mtime=0)
    try:
        target = Path(path).resolve()
        if target.exists() and not target.is_file():
            # renamed over, a device would become a plain file for the whole machine
            target.write_bytes(data)
        else:
            _replace(target, data)
    except OSError as error:
        raise FileFormatError(f"{path}: cannot be written ({error.strerror}); check the path") from error


def _replace(target: Path, data: bytes) -> None:
    part = target.with_name(target.name + ".part")
    try:
        part.write_bytes(data)
        part.replace(target)
    except OSError:
        with suppress(OSError):
            part.unlink()
        raise


def _header(data: bytes, name: str) -> _Header:
    try:
        header = msgspec.json.decode(data, type=_Header)
    except _UNREADABLE as error:
        raise FileFormatError(f"{name}: not an optsplit file ({error}); write it again with optsplit") from error
    if header.version != VERSION:
        raise FileFormatError(
            f"{name}: version {header.version} of the file format; this release reads version {VERSION}"
        )
    return header


def _read(path: str | Path) -> bytes:
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise FileFormatError(f"{path}: cannot be read ({error.strerror}); check the path") from error
    return unpacked(data, str(path))


def unpacked(data: bytes, name: str) -> bytes:
    """The text of a file that is perhaps gzipped; what it starts with tells, not its name."""
    if not data.startswith(b"\x1f\x8b"):
        return data
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise FileFormatError(f"{name}: damaged gzip file ({error}); write it again with optsplit") from error


def kind_of(path: str | Path) -> str:
    """The kind that a file's header names: "graph", "profile", "partition", "result", ..."""
    return _header(_read(path), str(path)).kind


def loads(data: bytes, kind: str, type_: type[T], name: str = "<bytes>") -> T:
    """The object in a file's text.

    Raises
    ------
    FileFormatError
        Not JSON, not this kind or version, or content that breaks a rule: the message has the place in
        the file.
    """
    header = _header(data, name)
    if header.kind != kind:
        raise FileFormatError(f"{name}: holds a {header.kind!r}, expected a {kind!r}; give the other file")
    try:
        return msgspec.json.decode(header.content, type=type_)
    except _UNREADABLE as error:
        raise FileFormatError(f"{name}: damaged {kind} file: {error}; write it again with optsplit") from error


def read(path: str | Path, kind: str, type_: type[T]) -> T:
    """`loads` of the file at `path`."""
    return loads(_read(path), kind, type_, str(path))
