"""Writes the table of target/bench/compare.json into README.md, between its two markers.

    readme.py [COMPARE.json] [README.md]      writes
    readme.py --check [COMPARE.json]          prints, writes nothing

A run with QUICK or ONLY is refused: the README shows whole runs only.
"""

import json
import sys
import textwrap
from pathlib import Path

import table
from lab import OUT, ROOT

BEGIN, END = "<!-- bench: begin -->", "<!-- bench: end -->"
# What the README shows of a row; `make bench` prints all of it.
SHOWN = {
    "recheck-1": ["cpu_s_gib", "mib_s"],
    "recheck-2": ["cpu_s_gib", "mib_s"],
    "create-1": ["mib_s"],
    "create-all": ["mib_s"],
    "transfer": ["mib_s", "leech_cpu_s_gib", "seed_cpu_s_gib", "leech_mib"],
    "transfer-hps": ["mib_s"],
    "transfer-32": ["mib_s", "leech_mib"],
    "swarm": ["seconds", "sent_per_content"],
    "idle": ["kib_each", "ready_s"],
    "save": ["save_s"],
}


def number(value, digits):
    """A median."""
    return "-" if value is None else f"{value['median']:.{digits}f}"


def lines_of(result):
    """The table's lines in Markdown."""
    out = ["| job | figure | libtern | libtorrent | ratio | rqbit | transmission |",
           "|---|---|--:|--:|--:|--:|--:|"]
    for row in result["rows"]:
        title = row["title"]
        if row["id"] == "transfer-32":
            title = "with a budget of 32 MiB, beside libtern's default"
        for line in row["lines"]:
            if line["figure"] not in SHOWN.get(row["id"], ()):
                continue
            heading, digits, _ = table.FIGURES[line["figure"]]
            ratio = "-" if line["ratio"] is None else f"{line['ratio']:.2f}x"
            cells = [title, heading, number(line["ours"], digits),
                     number(line["reference"], digits), ratio,
                     *(number(line[name], digits) for name in table.EXTRA)]
            out.append("| " + " | ".join(cells) + " |")
            title = ""
    return out


def block(result):
    """Everything between the markers."""
    m, c, v = result["machine"], result["content"], result["versions"]
    others = ", ".join(f"{k} {v[k].split()[-1] if k == 'rqbit' else v[k]}"
                       for k in ("libtorrent", "rqbit") if k in v)
    if "transmission" in v:
        others += ", transmission " + next(w for w in v["transmission"].split() if w[0].isdigit())
    head = (
        f"{result['when'][:10]}, {m['cores']} cores of {m['cpu']} ({', '.join(m['features'])}), "
        f"{m['memory_gib']} GiB, Linux {m['kernel']}. One file of {c['mib']} MiB in pieces of "
        f"{c['piece_mib']} MiB on {c['file_system']}, medians of {result['rounds']} rounds; "
        f"{result['torrents']} torrents where they are many. Beside {others}.")
    notes = [textwrap.fill(f"- {note}", 106, subsequent_indent="  ") for note in result["notes"]]
    return "\n".join([BEGIN, "", textwrap.fill(head, 106), "", *lines_of(result), "",
                      *(notes + [""] if notes else []), END])


def main():
    """Reads, writes."""
    words = [w for w in sys.argv[1:] if w != "--check"]
    result = json.loads(Path(words[0] if words else OUT / "compare.json").read_text())
    if "--check" in sys.argv:
        print(block(result))
        return
    if result["quick"] or len(result["groups"]) < 6:
        sys.exit("readme: this was not a whole run; make bench without QUICK and ONLY")
    readme = Path(words[1]) if len(words) > 1 else ROOT / "README.md"
    text = readme.read_text()
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        sys.exit(f"readme: {readme} has not one '{BEGIN}' and one '{END}'")
    before, rest = text.split(BEGIN)
    readme.write_text(before + block(result) + rest.split(END)[1])
    print(f"{readme} has the table of {result['when']}")


if __name__ == "__main__":
    main()
