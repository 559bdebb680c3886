"""Options between Python and C."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from ._codes import Code, OptionType
from ._errors import NotFoundError, OptionTypeError, RangeError, UnknownOption
from ._ffi import buffer_arguments, call, ffi, lib, out, sized, text_arguments, view_bytes
from ._options import OPTIONS, Option, SessionOptions


def build(options: Mapping[str, Any]) -> Any:
    """A C configuration out of keywords."""
    config = ffi.gc(lib.tern_config_new(), lib.tern_config_free)
    for name, value in options.items():
        option = OPTIONS.get(name)
        if option is None:
            raise UnknownOption(f"there is no option {name!r}", code=Code.UNKNOWN_OPTION)
        _set(config, option, value)
    return config


def _set(config: Any, option: Option, value: Any) -> None:
    """Sets one option; the library checks its range."""
    if option.name in ("state_dir", "tls_ca_file") and hasattr(value, "__fspath__"):
        value = value.__fspath__()
    if not _fits(option, value):
        raise OptionTypeError(
            f"option {option.name} is {option.type.name.lower()}, not {type(value).__name__}",
            code=Code.TYPE,
        )
    if option.type is OptionType.INT:
        call(lib.tern_config_set_int, config, option.id, _in_64_bits(value))
    elif option.type is OptionType.BOOL:
        call(lib.tern_config_set_bool, config, option.id, value)
    elif option.type is OptionType.STR:
        call(lib.tern_config_set_str, config, option.id, *text_arguments(value))
    elif option.type is OptionType.BYTES:
        call(lib.tern_config_set_bytes, config, option.id, *buffer_arguments(value))
    else:
        call(lib.tern_config_set_double, config, option.id, value)


def _fits(option: Option, value: object) -> bool:
    """Whether a value has the option's type."""
    kinds: dict[OptionType, tuple[type, ...]] = {
        OptionType.INT: (int,),
        OptionType.BOOL: (bool,),
        OptionType.STR: (str,),
        OptionType.BYTES: (bytes, bytearray, memoryview),
        OptionType.DOUBLE: (float, int),
    }
    return isinstance(value, kinds[option.type])


def _in_64_bits(value: int) -> int:
    """A number C can take; the library checks the option's own range."""
    if not -(1 << 63) <= value < 1 << 63:
        raise RangeError(f"{value} is out of range", code=Code.RANGE)
    return value


def values(config: Any) -> SessionOptions:
    """All options of a C configuration."""
    found: dict[str, Any] = {}
    for option in OPTIONS.values():
        if option.type is OptionType.INT:
            found[option.name] = int(out("int64_t", lib.tern_config_get_int, config, option.id))
        elif option.type is OptionType.BOOL:
            found[option.name] = bool(out("int32_t", lib.tern_config_get_bool, config, option.id))
        elif option.type is OptionType.STR:
            text = view_bytes(out("tern_bytes", lib.tern_config_get_str, config, option.id))
            found[option.name] = text.decode("utf-8", "replace")
        elif option.type is OptionType.BYTES:
            view = out("tern_bytes", lib.tern_config_get_bytes, config, option.id)
            found[option.name] = view_bytes(view)
        else:
            found[option.name] = float(out("double", lib.tern_config_get_double, config, option.id))
    return cast(SessionOptions, found)


def library_options() -> dict[str, Option]:
    """The options of the library itself, by name. A newer one has more than `OPTIONS`."""
    found: dict[str, Option] = {}
    number = 0
    while True:
        try:
            raw = sized("tern_option_info", lib.tern_option_next_sized, number)
        except NotFoundError:
            return found
        number = int(raw.id)
        option = _described(raw)
        found[option.name] = option


def library_option(which: str | int) -> Option:
    """What the library says about one option, by name or number. Raises `UnknownOption`."""
    if isinstance(which, int):
        return _described(sized("tern_option_info", lib.tern_option_by_id_sized, which))
    arguments = text_arguments(which)
    return _described(sized("tern_option_info", lib.tern_option_by_name_sized, *arguments))


def _described(raw: Any) -> Option:
    """An option out of its C description."""
    kind = OptionType(raw.value_type)
    text = ffi.string(raw.default_text).decode()
    default: Any = text
    if kind is OptionType.INT:
        default = int(text)
    elif kind is OptionType.BOOL:
        default = text in ("true", "1")
    elif kind is OptionType.BYTES:
        default = text.encode()
    elif kind is OptionType.DOUBLE:
        default = float(text)
    return Option(
        int(raw.id), ffi.string(raw.name).decode(), kind, default, int(raw.min), int(raw.max),
        bool(raw.live), ffi.string(raw.doc).decode(),
    )


__all__ = ["build", "library_option", "library_options", "values"]
