#!/usr/bin/env python3
"""Compares the C interface of this tree with that of the last release, recorded in abi/baseline.

    python3 abi/check.py              fails when a program compiled with the old header would break
    python3 abi/check.py --record     for a release: takes this tree's header and examples over
    python3 abi/check.py --self-test  breaks the header in every way it knows and must notice each

Two judges. One reads both headers: constants keep their numbers, functions their parameters and
results, structures with a `struct_size` may grow at the end only, others not at all. The other is
abidiff (Debian: abigail-tools) on two libraries made of nothing but the declarations, so that it
sees the C types and not what a compiler makes of Rust's; without it there is one judge less, which
is said. That the library has the sizes and offsets of its header is tests/c/layout.c's to show.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
HEADER = ROOT / "include" / "tern.h"
BASELINE = HERE / "baseline"
EXAMPLES = ["minimal.c", "resume.c"]
# Numbers that say which header it is, or which are sums of others.
MAY_CHANGE = {
    "TERN_VERSION_MAJOR", "TERN_VERSION_MINOR", "TERN_VERSION_PATCH", "TERN_VERSION_NUM",
    "TERN_CLASS_DEFAULT",
}


def generate() -> Any:
    """The reader of the header that the Python binding is made with."""
    path = ROOT / "bindings" / "python" / "tools" / "generate.py"
    spec = importlib.util.spec_from_file_location("generate", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass
class Interface:
    """What a header declares."""

    constants: dict[str, int] = field(default_factory=dict)
    functions: dict[str, str] = field(default_factory=dict)
    structures: dict[str, list[str]] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)


def flat(text: str) -> str:
    """One space between words."""
    return " ".join(text.split())


def without_names(parameters: str) -> str:
    """The types of parameters."""
    kept = []
    for parameter in parameters.split(","):
        words = flat(parameter)
        kept.append(words if words == "void" else re.sub(r"(?<=[\s*])\w+$", "", words).strip())
    return ", ".join(kept)


def read(header: str, reader: Any) -> Interface:
    """Reads a header."""
    found = Interface({name: value for name, value, _ in reader.macros(header)})
    for statement in re.split(r";\n(?!\s|})", reader.cdef(header).strip().removesuffix(";")):
        text = flat(statement)
        if structure := re.match(r"typedef struct\s*\{(.*)\} (\w+)$", text):
            members = [flat(member) for member in structure[1].split(";") if member.strip()]
            found.structures[structure[2]] = members
        elif pointer := re.match(r"typedef (.*)\(\*(\w+)\)\((.*)\)$", text):
            found.types[pointer[2]] = f"{pointer[1].strip()} ({without_names(pointer[3])})"
        elif text.startswith("typedef "):
            found.types[text.rsplit(" ", 1)[1]] = text
        elif function := re.match(r"(.*?)(\btern_\w+)\((.*)\)$", text):
            found.functions[function[2]] = f"{function[1].strip()} ({without_names(function[3])})"
        else:
            raise SystemExit(f"abi: cannot read: {text}")
    if not (found.functions and found.structures and found.types and found.constants):
        raise SystemExit("abi: the header lacks a whole kind of declarations")
    return found


def breaks(old: Interface, new: Interface) -> list[str]:
    """What a program compiled with the old header would stumble over."""
    said = []
    for name, value in old.constants.items():
        if name not in new.constants:
            said.append(f"{name} is gone")
        elif new.constants[name] != value and name not in MAY_CHANGE:
            said.append(f"{name} was {value} and is {new.constants[name]}")
    for kind, olds, news in (
        ("function", old.functions, new.functions), ("type", old.types, new.types)
    ):
        for name, text in olds.items():
            if name not in news:
                said.append(f"the {kind} {name} is gone")
            elif news[name] != text:
                said.append(f"the {kind} {name} was `{text}` and is `{news[name]}`")
    for name, members in old.structures.items():
        now = new.structures.get(name)
        if now is None:
            said.append(f"the structure {name} is gone")
        elif now[: len(members)] != members:
            at = next((i for i, m in enumerate(members) if now[i : i + 1] != [m]), 0)
            said.append(f"{name}: `{members[at]}` is not where it was")
        elif len(now) > len(members) and members[0] != "uint32_t struct_size":
            said.append(f"{name} grew, and has no struct_size")
    return said


def stub(header: Path, directory: Path) -> Path:
    """A library of the declarations alone, with debug information."""
    directory.mkdir()
    text = header.read_text(encoding="ascii")
    start = text.index('extern "C"')
    bodies = re.sub(
        r"TERN_API\s+([^;]*);", lambda m: m[1] + "\n{\n    __builtin_trap();\n}\n", text[start:]
    )
    bodies = re.sub(r"/\*.*?\*/", "", bodies, flags=re.S)
    bodies = "\n".join(line for line in bodies.splitlines() if not line.startswith("#"))
    bodies = bodies.replace('extern "C" {', "", 1).rsplit("}", 1)[0].rstrip()
    (directory / "stub.c").write_text(f'#include "tern.h"\n{bodies}\n', encoding="ascii")
    library = directory / "libtern.so"
    subprocess.run(
        ["cc", "-g", "-O0", "-fPIC", "-shared", "-w", f"-I{header.parent}", "-o", str(library),
         "-Wl,-soname,libtern.so", str(directory / "stub.c")],
        check=True,
    )
    return library


def abidiff(old: Path, new: Path) -> tuple[list[str], str]:
    """What abidiff finds broken, and its report."""
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        run = subprocess.run(
            ["abidiff", "--no-show-locs", stub(old, work / "old"), stub(new, work / "new")],
            capture_output=True, text=True, check=False,
        )
    report = run.stdout + run.stderr
    if run.returncode & 3:
        return [f"abidiff could not compare (exit {run.returncode})"], report
    if run.returncode & 8:
        return ["abidiff: incompatible"], report
    summary = re.search(r"(\d+) Removed, (\d+) Changed", report)
    if run.returncode & 4 and (summary is None or summary[1] != "0"):
        return ["abidiff: functions are removed"], report
    return [], report


def compare(old: Path, new: Path) -> list[str]:
    """All that is broken."""
    reader = generate()
    said = breaks(
        read(old.read_text(encoding="ascii"), reader), read(new.read_text(encoding="ascii"), reader)
    )
    if shutil.which("abidiff"):
        more, report = abidiff(old, new)
        if said or more:
            print(report)
        said += more
    return said


# How the header may be changed, and whether that breaks anybody.
CHANGES: list[tuple[str, str, str, bool]] = [
    ("a constant gets another number", r"(#define TERN_E_GONE )-4", r"\g<1>-44", True),
    ("a constant goes", r"#define TERN_E_CANCELLED -17\n", "", True),
    ("a function goes", r"TERN_API uint32_t tern_version\(void\);", "", True),
    ("a parameter changes", r"(tern_has\()const char \*", r"\g<1>const uint8_t *", True),
    ("a parameter is wider", r"(tern_state_name\()int32_t", r"\g<1>int64_t", True),
    ("a result changes", r"int32_t (tern_has\()", r"int64_t \1", True),
    ("a member moves", r"(    uint32_t flags;\n(?:(?!    int64_t).|\n)*)(    int64_t time_ms;\n)",
     r"\2\1", True),
    ("a member is wider", r"    int32_t os_errno;\n", "    int64_t os_errno;\n", True),
    ("a structure without a size grows", r"(\n\} tern_bytes;)", r"\n    size_t more;\1", True),
    ("a structure with a size grows", r"(\n\} tern_status;)", r"\n    uint64_t more;\1", False),
    ("a function is added", r"(TERN_API uint32_t tern_version\(void\);)",
     r"\1\n/** New. */\nTERN_API uint32_t tern_brand_new(const tern_session *s);", False),
    ("a constant is added", r"(#define TERN_E_GONE -4\n)", r"\1#define TERN_E_BRAND_NEW -4444\n",
     False),
    ("a parameter is renamed", r"(tern_has\(const char \*)\w+", r"\1other", False),
]


def self_test() -> int:
    """Whether every change is judged as it should be."""
    wrong = 0
    text = HEADER.read_text(encoding="ascii")
    with tempfile.TemporaryDirectory() as name:
        for number, (what, pattern, by, bad) in enumerate(CHANGES):
            changed, count = re.subn(pattern, by, text, count=1)
            if count != 1 or changed == text:
                raise SystemExit(f"abi: cannot try: {what}")
            path = Path(name) / str(number) / "tern.h"
            path.parent.mkdir()
            path.write_text(changed, encoding="ascii")
            said = breaks(read(text, generate()), read(changed, generate()))
            right = bool(said) == bad
            if shutil.which("abidiff") and not bad:
                right = right and not abidiff(HEADER, path)[0]
            wrong += not right
            print(f"{'ok' if right else 'WRONG'}: {what}: {'; '.join(said) or 'compatible'}")
    print(f"{len(CHANGES) - wrong} passed, {wrong} failed")
    return wrong


def record() -> None:
    """Takes over the header and the examples."""
    (BASELINE / "examples").mkdir(parents=True, exist_ok=True)
    shutil.copyfile(HEADER, BASELINE / "tern.h")
    for name in EXAMPLES:
        shutil.copyfile(ROOT / "examples" / "c" / name, BASELINE / "examples" / name)


def main() -> int:
    """See the module's text."""
    if sys.argv[1:] == ["--record"]:
        record()
        return 0
    if not shutil.which("abidiff"):
        print("abi: there is no abidiff (apt install abigail-tools): the headers alone are judged")
    if sys.argv[1:] == ["--self-test"]:
        return 1 if self_test() else 0
    said = compare(BASELINE / "tern.h", HEADER)
    for line in said:
        print(f"abi: {line}")
    print(f"{0 if said else 1} passed, {len(said)} failed")
    if said:
        print("abi: before 1.0 a new minor version may break (docs/adr/0008): say so in")
        print("abi: CHANGELOG.md under ABI, raise the version, and run `make abi-baseline`")
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main())
