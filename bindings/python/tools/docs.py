"""Makes the reference in docs/ out of the docstrings: a page per class, one for all events, one for
all exceptions, one for all enumerations, one for the rest, and an index.

Reads the sources, not the imported package: nothing has to be built, and the texts below attributes
are there. tools/generate.py writes the pages and checks them together with what else is generated.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
PACKAGE = HERE / "src" / "libtern"
PAGES = HERE / "docs"
MADE = "<!-- Generated from the docstrings: python tools/generate.py -->\n"

Named = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


@dataclass
class Item:
    """One public name."""

    name: str
    module: str
    node: ast.stmt
    doc: str


def public() -> list[str]:
    """The names in `__all__`."""
    for node in ast.parse((PACKAGE / "__init__.py").read_text(encoding="ascii")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            names: list[str] = ast.literal_eval(node.value)
            return names
    raise SystemExit("docs: no __all__")


def below(body: list[ast.stmt], at: int) -> str:
    """The text below an attribute, empty when there is none."""
    if at + 1 < len(body):
        node = body[at + 1]
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            return clean(str(node.value.value))
    return ""


def clean(text: str) -> str:
    """Without the indentation of the source."""
    lines = text.strip().splitlines()
    rest = [line for line in lines[1:] if line.strip()]
    cut = min((len(line) - len(line.lstrip()) for line in rest), default=0)
    return "\n".join([lines[0], *(line[cut:] for line in lines[1:])]) if lines else ""


def target(node: ast.stmt) -> str | None:
    """The name a statement gives something."""
    if isinstance(node, Named):
        return node.name
    if isinstance(node, ast.AnnAssign):
        return ast.unparse(node.target)
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        return ast.unparse(node.targets[0])
    return None


def module_items(path: Path) -> dict[str, Item]:
    """What a module names at its top."""
    body = ast.parse(path.read_text(encoding="ascii")).body
    found: dict[str, Item] = {}
    for at, node in enumerate(body):
        name = target(node)
        if name is None or name in found:
            continue
        text = clean(ast.get_docstring(node) or "") if isinstance(node, Named) else below(body, at)
        found[name] = Item(name, path.stem, node, text)
    return found


def items() -> dict[str, Item]:
    """All public names, those of libtern.aio included."""
    known: dict[str, Item] = {}
    for path in sorted(PACKAGE.glob("*.py")):
        if path.stem != "aio":
            known = {**module_items(path), **known}
    chosen = {name: known[name] for name in public()}
    aio = module_items(PACKAGE / "aio.py")
    chosen |= {f"aio.{name}": aio[name] for name in ("attach", "Pump")}
    return chosen


def bases(item: Item, all_items: dict[str, Item]) -> list[str]:
    """Names of all classes a class is made of."""
    found: list[str] = []
    if isinstance(item.node, ast.ClassDef):
        for base in (ast.unparse(base) for base in item.node.bases):
            found.append(base)
            if base in all_items:
                found += bases(all_items[base], all_items)
    return found


def group(item: Item, all_items: dict[str, Item]) -> str:
    """The page a name is on."""
    up = [item.name, *bases(item, all_items)]
    if "TernError" in up or "SystemCallError" in up:
        return "errors"
    if "Request" in up:
        return "requests"
    if "Event" in up:
        return "events"
    if "OpenInt" in up or "OpenFlag" in up:
        return "numbers"
    if isinstance(item.node, ast.ClassDef):
        return item.name.lower() if item.module != "aio" else "aio"
    return {"aio": "aio", "_requests": "requests"}.get(item.module, "functions")


def signature(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    """How a function is called, `self` left out."""
    kind = "async " if isinstance(node, ast.AsyncFunctionDef) else ""
    decorators = {ast.unparse(decorator) for decorator in node.decorator_list}
    result = f" -> {ast.unparse(node.returns)}" if node.returns is not None else ""
    if decorators & {"property", "cached_property"}:
        return f"{node.name}{result.replace(' -> ', ': ')}"
    text = ast.unparse(node.args)
    first = text.split(", ")[0]
    if first in ("self", "cls"):
        text = text[len(first) + 2 :]
    static = "classmethod " if "classmethod" in decorators else ""
    return f"{static}{kind}{node.name}({text}){result}"


def members(node: ast.ClassDef) -> list[str]:
    """The public members of a class."""
    out: list[str] = []
    for at, member in enumerate(node.body):
        name = target(member)
        if name is None or (name.startswith("_") and name != "__init__"):
            continue
        if isinstance(member, (ast.FunctionDef, ast.AsyncFunctionDef)):
            text = clean(ast.get_docstring(member) or "")
            if name == "__init__":
                if text.startswith("Internal") or not text:
                    continue
            out += [f"#### `{signature(member)}`\n", text, ""]
        elif isinstance(member, ast.AnnAssign):
            text = below(node.body, at) or "See above."
            out.append(f"- `{name}: {ast.unparse(member.annotation)}`: {' '.join(text.split())}")
        elif isinstance(member, ast.Assign) and (text := below(node.body, at)):
            out.append(f"- `{name} = {ast.unparse(member.value)}`: {' '.join(text.split())}")
    return out


def section(item: Item, level: int) -> list[str]:
    """All about one name."""
    out = [f"{'#' * level} {item.name}\n"]
    if isinstance(item.node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        out.append(f"`{signature(item.node)}`\n")
    elif isinstance(item.node, ast.ClassDef):
        if made_of := ", ".join(f"`{ast.unparse(base)}`" for base in item.node.bases):
            out.append(f"A {made_of}.\n")
    out += [item.doc, ""]
    if isinstance(item.node, ast.ClassDef):
        out += members(item.node)
    out.append("")
    return out


TITLES = {
    "errors": "Exceptions", "events": "Events", "requests": "Requests: what hooks are asked",
    "numbers": "Enumerations", "functions": "Functions and constants", "aio": "libtern.aio",
}


def pages() -> dict[Path, str]:
    """Every page and its text."""
    all_items = items()
    grouped: dict[str, list[tuple[str, Item]]] = {}
    for name, item in all_items.items():
        grouped.setdefault(group(item, all_items), []).append((name, item))
    made: dict[Path, str] = {}
    index = ["# Reference of libtern for Python\n",
             "The [README](../README.md) says how to begin. Every class, by page:\n"]
    order = sorted(grouped, key=lambda page: (page in TITLES, page))
    for page in order:
        found = grouped[page]
        several = page in TITLES
        lines = [f"# {TITLES[page]}\n"] if several else []
        for name, item in found:
            lines += section(item, 2 if several else 1)
            first = item.doc.split("\n\n")[0].replace("\n", " ")
            index.append(f"- [{name}]({page}.md): {first}")
        text = "\n".join(lines)
        while "\n\n\n" in text:
            text = text.replace("\n\n\n", "\n\n")
        made[PAGES / f"{page}.md"] = MADE + "\n" + text.rstrip("\n") + "\n"
    made[PAGES / "README.md"] = MADE + "\n" + "\n".join(index) + "\n"
    return made
