#!/usr/bin/env python3
"""Generates the modules that repeat what the C side says.

    python tools/generate.py           writes them
    python tools/generate.py --check   says which ones are stale, exit code 1

Inputs: include/tern.h and bindings/options.json at the root of the source tree. Outputs, committed:
src/libtern/_cdef.py (declarations for cffi), src/libtern/_codes.py (numbers as enumerations),
src/libtern/_options.py (typed keywords) and, from the docstrings, the reference in docs/. Needs
nothing but the standard library. A test runs the same functions and compares.
"""

from __future__ import annotations

import json
import re
import sys
import textwrap
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent.parent
ROOT = HERE.parent.parent
HEADER = ROOT / "include" / "tern.h"
OPTIONS = ROOT / "bindings" / "options.json"
PACKAGE = HERE / "src" / "libtern"

# Enumeration, prefix of its macros, whether its values are bits, one line about it.
ENUMS = [
    ("Code", "TERN_E_", False, "Results of calls; `TernError.code`."),
    ("Detail", "TERN_DETAIL_", False, "What exactly was wrong; `TernError.detail`."),
    ("EventKind", "TERN_EVENT_", False, "Kinds of events; `Event.kind`."),
    ("EventClass", "TERN_CLASS_", True, "Classes of events, for `Session.subscribe`."),
    ("LogLevel", "TERN_LOG_", False, "Levels of `Log` events."),
    ("Verdict", "TERN_VERDICT_", False, "Answers to requests."),
    ("VerifyFlags", "TERN_VERIFY_", True, "What a verifier may do besides."),
    ("HookMode", "TERN_HOOK_", False, "How the library delivers requests."),
    ("State", "TERN_STATE_", False, "What a torrent is doing."),
    ("SaveFlags", "TERN_SAVE_", True, "When resume data is handed out."),
    ("SaveResult", "TERN_SAVED_", False, "What a request to save came to; `SaveDone.result`."),
    ("LoadPolicy", "TERN_LOAD_", False, "What to trust when files differ from resume data."),
    ("RemoveFlags", "TERN_REMOVE_", True, "What removal does besides."),
    ("FileFlags", "TERN_FILE_", True, "Attributes of a file (BEP 47)."),
    ("PeerFlags", "TERN_PEER_", True, "State of a connection to a peer."),
    ("BlockState", "TERN_BLOCK_", False, "How far a block is."),
    ("PeerSource", "TERN_SOURCE_", False, "Who told us about a peer."),
    ("CloseReason", "TERN_CLOSE_", False, "Why a connection ended."),
    ("Message", "TERN_MESSAGE_", False, "Messages of the peer protocol."),
    ("OptionType", "TERN_OPTION_TYPE_", False, "Types of options."),
    ("DhtQueryKind", "TERN_DHT_QUERY_", False, "Kinds of queries of the DHT."),
    ("DhtFlags", "TERN_DHT_", True, "How to look for peers in the DHT."),
    ("CreateFlags", "TERN_CREATE_", True, "How a torrent is made."),
]
# Macros that are plain numbers in _codes.py.
NUMBERS = [
    "TERN_VERSION_MAJOR", "TERN_VERSION_MINOR", "TERN_VERSION_PATCH", "TERN_VERSION_NUM",
    "TERN_NONE", "TERN_OK",
]
MADE = "This file is generated (python tools/generate.py). Do not edit it."


def macros(header: str) -> list[tuple[str, int, str]]:
    """All integer macros of the header: name, value, its comment in one line."""
    found = []
    pattern = re.compile(
        r"(?:/\*\*(?P<doc>(?:(?!\*/).)*)\*/\s*)?^#define (?P<name>TERN_\w+) (?P<value>-?\d+)$",
        re.MULTILINE | re.DOTALL,
    )
    for match in pattern.finditer(header):
        lines = (line.strip().lstrip("*").strip() for line in (match["doc"] or "").splitlines())
        doc = " ".join(line for line in lines if line)
        found.append((match["name"], int(match["value"]), doc))
    return found


def cdef(header: str) -> str:
    """The header's types and functions, in the subset of C that cffi reads."""
    text = re.sub(r"/\*.*?\*/", "", header, flags=re.DOTALL)
    text = re.sub(r"//[^\n]*", "", text)
    text = re.sub(r"\\\n", " ", text)
    text = re.sub(r"^#ifdef __cplusplus\n.*?^#endif[^\n]*\n", "", text, flags=re.M | re.S)
    text = re.sub(r"^\s*#[^\n]*\n", "", text, flags=re.MULTILINE)
    text = re.sub(r"\bTERN_API\b", " ", text)
    statements, depth, start = [], 0, 0
    for at, char in enumerate(text):
        depth += (char == "{") - (char == "}")
        if char == ";" and depth == 0:
            statements.append(layout(text[start : at + 1]))
            start = at + 1
    if text[start:].strip():
        raise SystemExit(f"generate: left over at the end of the header: {text[start:]!r}")
    return "\n".join(statements) + "\n"


def layout(statement: str) -> str:
    """One declaration, spaced and wrapped evenly."""
    flat = " ".join(statement.split())
    if "{" in flat:
        head, body = flat.split("{", 1)
        members, tail = body.rsplit("}", 1)
        lines = [f"    {member.strip()};" for member in members.split(";") if member.strip()]
        return "\n".join([head + "{", *lines, "}" + tail])
    return textwrap.fill(flat, 98, subsequent_indent="    ", break_on_hyphens=False)


def cdef_module(header: str) -> str:
    """Text of _cdef.py."""
    return (
        f'"""Declarations of include/tern.h for cffi.\n\n{MADE}\n"""\n\n'
        f'CDEF = """\\\n{cdef(header)}"""\n'
    )


def codes_module(header: str) -> str:
    """Text of _codes.py."""
    known = macros(header)
    out = [
        f'"""The numbers of include/tern.h.\n\n{MADE}\n"""\n',
        "from ._enums import OpenFlag, OpenInt\n",
    ]
    for name, value, doc in known:
        if name in NUMBERS:
            out.append(f"{name.removeprefix('TERN_')} = {value}\n{docstring(doc, '')}")
    out.append("")
    rest = [m for m in known if m[0] not in NUMBERS and not m[0].startswith("TERN_OPT_")]
    for enum, prefix, bits, about in ENUMS:
        mine = [m for m in rest if m[0].startswith(prefix)]
        rest = [m for m in rest if m not in mine]
        out.append(f'\nclass {enum}({"OpenFlag" if bits else "OpenInt"}):\n    """{about}"""\n')
        if bits:
            out.append('    NONE = 0\n    """No bit."""')
        for name, value, doc in mine:
            out.append(f"    {name.removeprefix(prefix)} = {value}\n{docstring(doc, '    ')}")
        out.append("")
    if rest:
        raise SystemExit(f"generate: no enumeration for {[m[0] for m in rest]}")
    return "\n".join(out).rstrip("\n") + "\n"


def docstring(doc: str, indent: str) -> str:
    """A documentation string below a name, wrapped."""
    doc = doc.replace("\\", "\\\\").replace('"', "'") or "See the header."
    text = textwrap.fill(
        f'"""{doc}"""', 98, initial_indent=indent, subsequent_indent=indent,
        break_on_hyphens=False, break_long_words=False,
    )
    return text


def options_module(options: list[dict[str, Any]]) -> str:
    """Text of _options.py."""
    types = {"int": "int", "bool": "bool", "str": "str", "bytes": "bytes", "double": "float"}
    out = [
        f'"""Options of sessions, from the option table of the library.\n\n{MADE}\n"""\n',
        "from __future__ import annotations\n",
        "from typing import Any, NamedTuple, TypedDict\n",
        "from ._codes import OptionType\n",
        "\nclass Option(NamedTuple):",
        '    """What is known about an option."""\n',
        "    id: int",
        '    """Number of the option in C."""',
        "    name: str",
        '    """The keyword."""',
        "    type: OptionType",
        '    """Type of its values."""',
        "    default: Any",
        '    """Value when it is not set."""',
        "    min: int",
        '    """Smallest integer."""',
        "    max: int",
        '    """Largest integer; longest text, in bytes."""',
        "    live: bool",
        '    """Whether `Session.apply` can change it."""',
        "    doc: str",
        '    """One line about it."""\n',
    ]
    for name, about, chosen in [
        ("LiveOptions", "Keywords of `Session.apply`.", [o for o in options if o["live"]]),
        ("SessionOptions", "Keywords of `Session`.", [o for o in options if not o["live"]]),
    ]:
        base = "TypedDict" if name == "LiveOptions" else "LiveOptions"
        out.append(f'\nclass {name}({base}, total=False):\n    """{about}"""\n')
        for o in chosen:
            out.append(f"    {o['name']}: {types[o['type']]}\n{docstring(o['doc'], '    ')}")
        out.append("")
    out.append("\nOPTIONS: dict[str, Option] = {")
    for o in options:
        default = o["default"].encode() if o["type"] == "bytes" else o["default"]
        out += [
            f'    "{o["name"]}": Option(',
            f"        {o['id']}, {quoted(o['name'])}, OptionType.{o['type'].upper()}, "
            f"{quoted(default)}, {o['min']}, {o['max']}, {bool(o['live'])},",
            *(f"        {part}" for part in pieces(o["doc"])),
            "    ),",
        ]
    out += ["}", '"""All options by name, in the order of their numbers."""']
    return "\n".join(out) + "\n"


def quoted(value: Any) -> str:
    """A Python literal with double quotes."""
    if isinstance(value, str):
        return json.dumps(value)
    if isinstance(value, bytes):
        return "b" + json.dumps(value.decode("ascii"))
    return repr(value)


def pieces(doc: str) -> list[str]:
    """A long text as adjacent string literals; the last one ends the argument list."""
    lines = textwrap.wrap(doc, 84, break_on_hyphens=False, drop_whitespace=False)
    return [json.dumps(line) for line in lines[:-1]] + [json.dumps(lines[-1]) + ","]


def modules() -> dict[Path, str]:
    """Every generated file and the text it should have."""
    header = HEADER.read_text(encoding="ascii")
    options = json.loads(OPTIONS.read_text(encoding="utf-8"))
    return {
        PACKAGE / "_cdef.py": cdef_module(header),
        PACKAGE / "_codes.py": codes_module(header),
        PACKAGE / "_options.py": options_module(options),
    }


def pages() -> dict[Path, str]:
    """The reference, made of the modules as they are now."""
    sys.path.insert(0, str(HERE / "tools"))
    try:
        import docs
    finally:
        sys.path.pop(0)
    made: dict[Path, str] = docs.pages()
    return made


def main(arguments: list[str]) -> int:
    """Writes or checks."""
    stale = []
    for files in (modules, pages):
        for path, text in files().items():
            if path.exists() and path.read_text(encoding="ascii") == text:
                continue
            stale.append(path.name)
            if "--check" not in arguments:
                path.parent.mkdir(exist_ok=True)
                path.write_text(text, encoding="ascii")
    if "--check" in arguments and stale:
        print(f"stale: {', '.join(stale)}; run {Path(__file__).name}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
