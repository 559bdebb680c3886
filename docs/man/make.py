#!/usr/bin/env python3
"""Makes the manual pages out of what the command and the header say of themselves.

    make.py tern.1 TERN          asks the command TERN for its help
    make.py libtern.3 TERN.H     reads the header

Prints the page. What is not generated stands in tern.1.in and libtern.3.in, where `@COMMANDS@` and
`@FUNCTIONS@` mark the place of the rest.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent


def version() -> str:
    """The version of the package."""
    found = re.search(r'^version = "(.*)"', (ROOT / "Cargo.toml").read_text(), re.M)
    assert found is not None
    return found[1]


def quoted(text: str) -> str:
    """A text for troff: no escapes, no requests by accident."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\n".join("\\&" + line if line[:1] in ".'" else line for line in text.splitlines())


def bold(text: str) -> str:
    """A text as an argument of .B."""
    return '.B "' + quoted(text).replace('"', '\\(dq') + '"'


# tern(1).


def run(command: str, *arguments: str) -> str:
    """The long help of the command, or of one of its commands."""
    return subprocess.run(
        [command, *arguments, "--help"], check=True, capture_output=True, text=True,
        env={"NO_COLOR": "1", "COLUMNS": "10000", "TERM": "dumb"},
    ).stdout


def sections(text: str) -> tuple[str, dict[str, str]]:
    """What stands in front of the usage, and the headed parts."""
    parts = re.split(r"^(\w[\w ]*):[ \t]*\n?", text, flags=re.M)
    return parts[0].strip(), dict(zip(parts[1::2], parts[2::2], strict=True))


def entries(text: str) -> list[tuple[str, str]]:
    """The names of a part, each with its text, which stands beside or below it."""
    found: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        head = re.match(r"^ {2,6}((?:-|<|\[|[a-z]).*?)(?:  +(\S.*))?$", line)
        deep = len(line) - len(line.lstrip())
        if head and (deep <= 2 or line.lstrip().startswith("-")):
            found.append((head[1], [head[2]] if head[2] else []))
        elif line.strip() and found:
            found[-1][1].append(line.strip())
    return [(name, " ".join(lines)) for name, lines in found]


def listed(text: str) -> list[str]:
    """Entries as tagged paragraphs."""
    out = []
    for name, about in entries(text):
        out += [".TP", bold(name), quoted(about) or "\\&"]
    return out


def commands(program: str) -> str:
    """Every command with its arguments and options."""
    _, top = sections(run(program))
    out = [".SH OPTIONS", *listed(top["Options"]), ".SH COMMANDS"]
    names = [name for name, _ in entries(top["Commands"]) if name != "help"]
    if not names:
        raise SystemExit("make.py: the command lists no commands")
    for name in names:
        about, parts = sections(run(program, name))
        usage = parts.pop("Usage").strip()
        out += [f".SS {quoted(name)}", bold(usage), ".PP", quoted(about)]
        if "Commands" in parts:
            out += listed(parts.pop("Commands"))
        for part in parts.values():
            out += listed(part)
    return "\n".join(out)


# libtern(3).


def functions(header: str) -> str:
    """Every function with the first sentence about it, by object."""
    text = header[header.index('extern "C"'):]
    groups: dict[str, list[str]] = {}
    pattern = re.compile(r"/\*\*((?:(?!\*/).)*)\*/\s*TERN_API\s+([^;]*);", re.S)
    for doc, declaration in pattern.findall(text):
        flat = " ".join(declaration.split())
        name = re.search(r"(tern_\w+)\(", flat)
        assert name is not None
        words = " ".join(line.strip().lstrip("*").strip() for line in doc.splitlines()).strip()
        words = words.split(" Threads: ")[0]
        sentence = re.match(r"(?:.*?[^.]\.(?=\s|$))|.*", words)
        assert sentence is not None
        group = name[1].split("_")[1]
        groups.setdefault(group, []).append(
            "\n".join([".TP", bold(flat + ";"), quoted(sentence[0].replace("`", ""))])
        )
    if len(groups) < 5:
        raise SystemExit("make.py: the header has fewer functions than it should")
    return "\n".join(
        "\n".join([f".SS tern_{group}", *found]) for group, found in groups.items()
    )


def main() -> None:
    """Prints the page that was asked for."""
    page, source = sys.argv[1:]
    text = (HERE / f"{page}.in").read_text(encoding="ascii").replace("@VERSION@", version())
    if page == "tern.1":
        text = text.replace("@COMMANDS@", commands(str(Path(source).resolve())))
    else:
        text = text.replace("@FUNCTIONS@", functions(Path(source).read_text(encoding="ascii")))
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
