"""The shared library: where it is found, whether it fits, and how it is called.

Nothing in it calls back into Python, ever: requests of hooks come through the event queue. cffi
releases the interpreter lock around every call.
"""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import Any

from . import _codes

SONAME = f"libtern.so.{_codes.VERSION_MAJOR}.{_codes.VERSION_MINOR}"
"""What the system's loader is asked for when the package carries no library."""
VARIABLE = "LIBTERN_LIBRARY"
"""Environment variable: path of the library to use instead of the packaged one."""


def _declarations() -> Any:
    """The declarations: parsed when the wheel was built, else (in a source tree) now."""
    try:
        return importlib.import_module("libtern._parsed").ffi
    except ModuleNotFoundError:
        from cffi import FFI

        from ._cdef import CDEF

        parsed = FFI()
        parsed.cdef(CDEF)
        return parsed


def _candidates() -> list[str]:
    """Where to look. A place somebody named is the only one."""
    named = os.environ.get(VARIABLE)
    if named:
        return [named]
    packaged = Path(__file__).with_name("_native") / "libtern.so"
    return [str(packaged)] if packaged.exists() else [SONAME]


def _load(ffi: Any) -> tuple[Any, str]:
    """Opens the library and checks that it fits these declarations."""
    wanted = f"{_codes.VERSION_MAJOR}.{_codes.VERSION_MINOR}.{_codes.VERSION_PATCH}"
    (path,) = _candidates()
    try:
        lib = ffi.dlopen(path)
    except OSError as error:
        raise ImportError(
            f"libtern {wanted} cannot load its library: {error}. Install the wheel, or name the "
            f"library in {VARIABLE}",
            name="libtern", path=path,
        ) from error
    try:
        found = ffi.string(lib.tern_version_string()).decode()
        fits = lib.tern_abi_check(
            _codes.VERSION_NUM, ffi.sizeof("tern_event"), ffi.sizeof("tern_status")
        )
    except (AttributeError, getattr(ffi, "error", AttributeError)) as error:
        raise ImportError(
            f"{path} is not a library for libtern {wanted}: {error}", name="libtern", path=path
        ) from error
    if fits != _codes.OK:
        raise ImportError(
            f"libtern {wanted} does not fit the library {path}, which is {found}",
            name="libtern", path=path,
        )
    return lib, path


ffi: Any = _declarations()
_loaded: tuple[Any, str] = _load(ffi)
lib: Any = _loaded[0]
LIBRARY_PATH: str = _loaded[1]
"""Where the shared library in use was found, or the name the system's loader was asked for."""


def call(function: Any, *arguments: Any) -> int:
    """Calls a function whose last parameter is `tern_error **`; raises what it reports."""
    error = ffi.new("tern_error **")
    result: int = function(*arguments, error)
    if result < 0:
        from ._errors import from_c

        raise from_c(result, error[0])
    return result


def out(kind: str, function: Any, *arguments: Any, free: Any = None) -> Any:
    """Calls a function with an out-parameter of this type before the error; gives the value."""
    place = ffi.new(f"{kind} *")
    call(function, *arguments, place)
    return ffi.gc(place[0], free) if free is not None else place[0]


def sized(kind: str, function: Any, *arguments: Any) -> Any:
    """Calls a `_sized` function that fills a structure and reports errors; gives the structure."""
    place = ffi.new(f"{kind} *")
    call(function, *arguments, place, ffi.sizeof(kind))
    return place


def view_bytes(view: Any) -> bytes:
    """A copy of what a `tern_bytes` shows."""
    return bytes(ffi.buffer(view.ptr, view.len)) if view.len else b""


def view_text(view: Any) -> str:
    """What a `tern_bytes` says to people, or a URL."""
    return view_bytes(view).decode("utf-8", "replace")


def view_path(view: Any) -> str:
    """A path in a `tern_bytes`."""
    return os.fsdecode(view_bytes(view))


def owned_bytes(function: Any, *arguments: Any) -> bytes:
    """Calls a function that gives a `tern_buf`: its bytes. The buffer is freed."""
    buffer = ffi.new("tern_buf *")
    call(function, *arguments, buffer)
    try:
        return bytes(ffi.buffer(buffer.ptr, buffer.len)) if buffer.len else b""
    finally:
        lib.tern_buf_free(buffer)


def array(item: str, function: Any, *arguments: Any) -> Any:
    """Calls a function that fills an array of the caller's, as often as the size changes."""
    length = ffi.new("size_t *")
    error = ffi.new("tern_error **")
    capacity = 0
    while True:
        place = ffi.new(f"{item}[]", capacity) if capacity else ffi.NULL
        result = function(*arguments, place, capacity, length, error)
        if result < 0:
            from ._errors import from_c

            failure = from_c(result, error[0])
            error[0] = ffi.NULL
            if failure.code != _codes.Code.RANGE or length[0] <= capacity:
                raise failure
        elif length[0] <= capacity:
            return ffi.buffer(place, length[0] * ffi.sizeof(item)) if length[0] else b""
        capacity = length[0]


class _Keep:
    """A destructor that does nothing but keep its object until it is dropped itself."""

    __slots__ = ("owner",)

    def __init__(self, owner: Any) -> None:
        self.owner = owner

    def __call__(self, _pointer: Any) -> None:
        pass


def lent(view: Any, owner: Any) -> memoryview:
    """A read-only view of a `tern_bytes` that keeps its owner, however it is sliced."""
    if not view.len:
        return memoryview(b"")
    pointer = ffi.gc(view.ptr, _Keep(owner))
    return memoryview(ffi.buffer(pointer, view.len)).toreadonly()


def text_arguments(value: str) -> tuple[bytes, int]:
    """A text as the two arguments C wants."""
    data = value.encode("utf-8")
    return data, len(data)


def path_arguments(value: str | bytes | os.PathLike[Any]) -> tuple[bytes, int]:
    """A path as the two arguments C wants."""
    data = os.fsencode(value)
    return data, len(data)


def buffer_arguments(value: Any) -> tuple[Any, int]:
    """Anything with a buffer as the two arguments C wants, without a copy."""
    data = ffi.from_buffer("uint8_t[]", value)
    return data, len(data)


def index(value: int, what: str = "index", end: int = 1 << 32) -> int:
    """A number from 0 to below `end`, by default what C can take; others are `RangeError`s."""
    if not 0 <= value < end:
        from ._errors import RangeError

        raise RangeError(f"{what} {value} is out of range", code=_codes.Code.RANGE)
    return value
