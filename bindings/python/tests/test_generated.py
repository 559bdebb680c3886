"""What is written twice says the same twice: header, options, symbol list, classes."""

from __future__ import annotations

import importlib.util
import inspect
import re
import typing
from dataclasses import fields
from pathlib import Path
from types import ModuleType

import pytest

import libtern
from libtern import _codes, _errors, _events, _ffi, _structs
from libtern._cdef import CDEF

HERE = Path(__file__).resolve().parent.parent
ROOT = HERE.parent.parent
SYMBOLS = ROOT / "abi" / "symbols.tsv"

NOT_BOUND = {
    "tern_session_retain": "the Session object is the reference",
    "tern_torrent_take_session": "Torrent.session is the object it was made by",
    "tern_config_set_text": "options have types in Python",
    "tern_create_run": "calls back into Python; tern_create_step does not",
    "tern_version": "tern_abi_check and tern_version_string say it",
    "tern_result_name": "Code has the names",
    "tern_state_name": "State has the names",
    "tern_event_name": "EventKind has the names",
}


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    """tools/generate.py as a module."""
    spec = importlib.util.spec_from_file_location("generate", HERE / "tools" / "generate.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_generated_modules_are_up_to_date(generate: ModuleType) -> None:
    for path, text in {**generate.modules(), **generate.pages()}.items():
        assert path.is_file(), f"{path.name}: run tools/generate.py"
        assert path.read_text(encoding="ascii") == text, f"{path.name}: run tools/generate.py"


def test_every_public_name_has_its_place_in_the_reference(generate: ModuleType) -> None:
    pages = {path.name: text for path, text in generate.pages().items()}
    index = dict(re.findall(r"^- \[([\w.]+)\]\((\w+\.md)\): \S", pages["README.md"], re.M))
    assert set(index) == {*libtern.__all__, "aio.attach", "aio.Pump"}
    assert {path.name for path in (HERE / "docs").glob("*.md")} == set(pages)
    for name, page in index.items():
        thing = getattr(libtern, name, None)
        heading = re.search(rf"^##? {name.removeprefix('aio.')}\n(.*?)(?=^##? |\Z)", pages[page],
                            re.M | re.S)
        assert heading is not None, f"{name} has no section on {page}"
        if inspect.isclass(thing) and not issubclass(thing, BaseException):
            for member, value in vars(thing).items():
                known = inspect.isfunction(value) or isinstance(value, property)
                if known and not member.startswith("_"):
                    assert re.search(rf"\b{member}\b", heading[1]), f"{name}.{member}"


def test_every_macro_is_in_codes(generate: ModuleType) -> None:
    header = generate.HEADER.read_text(encoding="ascii")
    found = generate.macros(header)
    assert len(found) == len(re.findall(r"^#define TERN_\w+ -?\d+$", header, re.M))
    enums = {prefix: getattr(_codes, enum) for enum, prefix, _, _ in generate.ENUMS}
    for name, value, _ in found:
        short = name.removeprefix("TERN_")
        for prefix, enum in enums.items():
            if name.startswith(prefix) and not name.startswith("TERN_OPTION_"):
                assert enum[name.removeprefix(prefix)] == value
                break
        else:
            option = libtern.OPTIONS.get(short.removeprefix("OPT_").lower())
            kind = short.removeprefix("OPTION_TYPE_")
            assert value == (
                option.id if option
                else libtern.OptionType[kind] if kind != short
                else getattr(_codes, short)
            )


def test_every_symbol_is_declared_and_bound() -> None:
    rows = [line.split("\t") for line in SYMBOLS.read_text().splitlines()]
    symbols = {row[0] for row in rows if not row[0].startswith("#") and row[2] != "removed"}
    declared = set(re.findall(r"\b(tern_\w+)\(", CDEF)) - {"tern_hook_fn", "tern_destroy_fn"}
    assert declared == symbols, "run tools/generate.py"
    package = Path(libtern.__file__).parent
    used = set()
    for module in package.glob("*.py"):
        used |= set(re.findall(r"\blib\.(tern_\w+)", module.read_text(encoding="ascii")))
    assert used - symbols == set()
    missing = sorted(symbols - used - set(NOT_BOUND))
    assert not missing, f"C has what Python lacks: bind it, or say why not in NOT_BOUND: {missing}"
    assert set(NOT_BOUND) <= symbols - used, "NOT_BOUND names what is bound, or is not there"


def test_every_symbol_is_in_the_library() -> None:
    for name in set(re.findall(r"\b(tern_\w+)\(", CDEF)):
        assert getattr(_ffi.lib, name)


def test_every_event_kind_has_a_class() -> None:
    kinds = _events.kinds()
    lacking = [kind.name for kind in libtern.EventKind if int(kind) not in kinds]
    assert not lacking, f"events of C without a class in _events.py: {lacking}"
    assert set(kinds) == {int(kind) for kind in libtern.EventKind}
    for number, kind in kinds.items():
        assert kind.kind == number
        assert getattr(libtern, kind.__name__) is kind
        assert "__slots__" in vars(kind) and kind.__doc__


def test_event_names_are_those_of_c() -> None:
    for kind in libtern.EventKind:
        name = _ffi.ffi.string(_ffi.lib.tern_event_name(kind)).decode()
        assert name == kind.name.lower()
    for state in libtern.State:
        assert _ffi.ffi.string(_ffi.lib.tern_state_name(state)).decode() == state.name.lower()
    for code in libtern.Code:
        assert _ffi.ffi.string(_ffi.lib.tern_result_name(code)).decode() == f"TERN_E_{code.name}"


def test_every_code_has_an_exception() -> None:
    assert set(_errors.BY_CODE) == set(libtern.Code)
    for kind in _errors.BY_CODE.values():
        assert getattr(libtern, kind.__name__) is kind
        assert kind("text").message == "text"


@pytest.mark.parametrize(
    ("kind", "struct", "renamed"),
    [
        (_structs.Stats, "tern_stats", {}),
        (_structs.DhtStats, "tern_dht_stats", {}),
        (_structs.Status, "tern_status", {}),
        (_structs.PeerInfo, "tern_peer_info", {}),
        (_structs.TrackerInfo, "tern_tracker_info", {}),
        (_structs.FileInfo, "tern_file_info", {"component_count": "raw_path"}),
    ],
)
def test_snapshots_have_every_member(kind: type, struct: str, renamed: dict[str, str]) -> None:
    members = {name for name, _ in _ffi.ffi.typeof(struct).fields} - {"struct_size", "reserved"}
    mine = {member.name for member in fields(kind)} - {"index"}
    assert mine == {renamed.get(name, name) for name in members}


def test_option_table_is_the_library_s() -> None:
    assert libtern.library_options() == libtern.OPTIONS
    for option in libtern.OPTIONS.values():
        assert libtern.library_option(option.name) == option
        assert libtern.library_option(option.id) == option
    with pytest.raises(libtern.UnknownOption):
        libtern.library_option("no_such_option")


def test_keywords_are_the_options() -> None:
    assert set(libtern.SessionOptions.__annotations__) <= set(libtern.OPTIONS)
    live = {name for name, option in libtern.OPTIONS.items() if option.live}
    assert set(libtern.LiveOptions.__annotations__) == live
    both = {**libtern.LiveOptions.__annotations__, **libtern.SessionOptions.__annotations__}
    assert set(both) == set(libtern.OPTIONS)


def test_numbers_without_a_name_are_values() -> None:
    unknown = libtern.State(99)
    assert unknown == 99 and unknown.name == "UNKNOWN_99" and isinstance(unknown, libtern.State)
    assert libtern.EventClass(1 << 20) & 1 << 20


def test_everything_public_is_documented() -> None:
    for name in libtern.__all__:
        thing = getattr(libtern, name)
        if typing.get_origin(thing) is not None:
            continue
        if inspect.isclass(thing):
            assert thing.__doc__, name
            for attribute, value in vars(thing).items():
                if inspect.isfunction(value) and not attribute.startswith("_"):
                    assert value.__doc__, f"{name}.{attribute}"
        elif inspect.isfunction(thing):
            assert thing.__doc__, name
