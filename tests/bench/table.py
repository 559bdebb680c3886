"""The rows of the table: which samples stand side by side, the goals, the printing."""

from dataclasses import dataclass, field
from statistics import median

# Figures: heading, digits after the point, whether more is better.
FIGURES = {
    "cpu_s_gib": ("CPU s/GiB", 2, False),
    "mib_s": ("MiB/s", 0, True),
    "seconds": ("seconds", 2, False),
    "leech_cpu_s_gib": ("leech CPU s/GiB", 2, False),
    "seed_cpu_s_gib": ("seed CPU s/GiB", 2, False),
    "leech_mib": ("leech peak MiB", 0, False),
    "seed_mib": ("seed peak MiB", 0, False),
    "sent_per_content": ("seed sent / content", 2, False),
    "kib_each": ("KiB each", 2, False),
    "ready_s": ("s to ready", 3, False),
    "idle_cpu_ms_per_s": ("idle CPU ms/s", 2, False),
    "save_s": ("s to save all", 3, False),
}
TRANSFER = ["mib_s", "leech_cpu_s_gib", "seed_cpu_s_gib", "leech_mib", "seed_mib"]
# What the columns beside the ratio are called.
EXTRA = ["rqbit", "transmission"]


@dataclass
class Goal:
    """A bound on a figure: the ratio to the reference, or the figure itself."""

    figure: str
    op: str
    bound: float
    of: str = "ratio"
    # The processor features this goal is for; another goal stands for the others.
    needs: str = ""

    def text(self):
        """As in a table."""
        mark = {"<=": "<= ", ">=": ">= "}[self.op]
        return f"{mark}{self.bound:g}" + ("x" if self.of == "ratio" else "")

    def met(self, ours, ratio):
        """Whether it is met; None when there is nothing to compare."""
        value = ratio if self.of == "ratio" else ours
        if value is None:
            return None
        return value <= self.bound if self.op == "<=" else value >= self.bound


@dataclass
class Row:
    """A job: whose samples are ours, whose are the reference, which figures and goals."""

    id: str
    group: str
    title: str
    ours: str
    reference: str
    figures: list
    goals: list = field(default_factory=list)
    extra: dict = field(default_factory=dict)
    notes: list = field(default_factory=list)


def rows(features):
    """All rows; `features` are the processor's."""
    lanes = 0.22 if "avx512f" in features else 0.4
    cpu = [Goal("cpu_s_gib", "<=", lanes)]
    both = {"rqbit": "rqbit", "transmission": "transmission"}
    to_two = [Goal("mib_s", ">=", 2)]
    hashing = ["cpu_s_gib", "mib_s"]
    return [
        Row("recheck-1", "recheck", "recheck v1, 1 hashing thread", "tern-1", "lt-1", hashing,
            cpu, both),
        Row("recheck-2", "recheck", "recheck v1, 2 hashing threads", "tern-2", "lt-2", hashing,
            [*cpu, Goal("mib_s", ">=", 3)]),
        Row("create-1", "create", "create v1, 1 thread", "tern-1", "lt-1", hashing,
            [Goal("mib_s", ">=", 5)], both),
        Row("create-all", "create", "create v1, all threads", "tern-all", "lt-1", hashing,
            notes=["libtorrent's Python face creates with one thread"]),
        Row("transfer", "transfer", "1 seed to 1 leech", "tern", "lt", TRANSFER,
            [*to_two, Goal("leech_cpu_s_gib", "<=", 0.4), Goal("seed_cpu_s_gib", "<=", 0.5),
             Goal("leech_mib", "<=", 96, of="value")], both),
        Row("transfer-hps", "transfer", "the same, high_performance_seed", "tern", "lt-hps",
            TRANSFER, to_two, notes=["libtorrent with high_performance_seed at both ends"]),
        Row("transfer-net2", "transfer", "the same, 2 net_threads", "tern-net2", "lt", TRANSFER),
        Row("transfer-32", "transfer", "the same, budget 32 MiB (beside tern)", "tern-32", "tern",
            TRANSFER, [Goal("mib_s", ">=", 0.8)]),
        Row("tern-lt", "transfer", "tern seed, libtorrent leech", "tern-lt", "lt", TRANSFER),
        Row("lt-tern", "transfer", "libtorrent seed, tern leech", "lt-tern", "lt", TRANSFER),
        Row("swarm", "swarm", "1 seed to 4 leeches", "tern", "lt",
            ["seconds", "mib_s", "sent_per_content", "leech_cpu_s_gib", "seed_cpu_s_gib",
             "leech_mib"],
            [Goal("seconds", "<=", round(1 / 1.7, 2)),
             Goal("sent_per_content", "<=", 1.3, of="value")], both),
        Row("swarm-net2", "swarm", "the same, 2 net_threads", "tern-net2", "lt",
            ["seconds", "sent_per_content", "leech_cpu_s_gib", "seed_cpu_s_gib"]),
        Row("idle", "idle", "idle torrents", "tern", "lt",
            ["kib_each", "ready_s", "idle_cpu_ms_per_s"],
            [Goal("kib_each", "<=", 4, of="value"), Goal("ready_s", "<=", 0.5)]),
        Row("save", "idle", "save resume of all, no disk", "tern", "lt", ["save_s"],
            [Goal("save_s", "<=", 0.1, of="value")]),
    ]


def summary(samples):
    """Median, least and most of some samples; None without any."""
    if not samples:
        return None
    return {"median": median(samples), "min": min(samples), "max": max(samples),
            "samples": samples}


def evaluate(row, samples):
    """The lines of a row, as they go into compare.json; `samples`: side -> figure -> list."""
    lines = []
    for figure in row.figures:
        def of(side, figure=figure):
            return summary(samples.get(side, {}).get(figure, []))
        ours, reference = of(row.ours), of(row.reference)
        ratio = None
        if ours and reference and reference["median"] > 0:
            ratio = ours["median"] / reference["median"]
        goal = next((g for g in row.goals if g.figure == figure), None)
        lines.append({
            "figure": figure, "ours": ours, "reference": reference, "ratio": ratio,
            "goal": goal.text() if goal else None,
            "met": goal.met(ours and ours["median"], ratio) if goal else None,
            **{name: of(row.extra[name]) if name in row.extra else None for name in EXTRA},
        })
    return {"id": row.id, "title": row.title, "ours": row.ours, "reference": row.reference,
            "notes": row.notes, "lines": lines}


def cell(value, digits, spread=True):
    """A median with its range."""
    if value is None:
        return "-"
    text = f"{value['median']:.{digits}f}"
    if spread and len(value["samples"]) > 1:
        text += f" ({value['min']:.{digits}f}-{value['max']:.{digits}f})"
    return text


HEAD = ["", "tern", "libtorrent", "ratio", "goal", "met", *EXTRA]


def verdict(met):
    """A word for it."""
    return {True: "yes", False: "NO", None: ""}[met]


def printed(evaluated):
    """The whole table as aligned text."""
    out = [HEAD]
    for row in evaluated:
        out.append([row["title"], *[""] * (len(HEAD) - 1)])
        for line in row["lines"]:
            heading, digits, _ = FIGURES[line["figure"]]
            ratio = f"{line['ratio']:.2f}x" if line["ratio"] is not None else "-"
            out.append(["  " + heading, cell(line["ours"], digits),
                        cell(line["reference"], digits), ratio, line["goal"] or "",
                        verdict(line["met"]), *(cell(line[n], digits, False) for n in EXTRA)])
    wide = [max(len(r[c]) for r in out if c == 0 or any(r[1:])) for c in range(len(HEAD))]
    text = []
    for line in out:
        cells = [c.ljust(w) if i == 0 else c.rjust(w)
                 for i, (c, w) in enumerate(zip(line, wide, strict=True))]
        text.append("  ".join(cells).rstrip())
    return "\n".join(text)
