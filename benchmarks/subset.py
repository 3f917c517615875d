"""A policy with fewer rules, made of the real one: whole topics are left their rules, others only the rest.

Parameters, tables, columns, measures and relations all stay, so that the work before the verdicts is that of
the whole policy.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from jobplan.expression.editions import load_policies
from jobplan.source import read_document

POLICY = "england/consultant-2003"
TOPICS = (
    "unit-of-work",
    "working-time",
    "spa-and-tariffs",
    "premium-time",
    "locum-and-academic",
    "pay-progression",
)
"""Topics that keep their rules: about 120 of them, some 20 on rows."""


def reduced(folder: Path) -> Path:
    """Write the policies into a folder, with the rules of TOPICS only; return the folder.

    JSON is YAML too, and needs no writer that might change a value.
    """
    target = folder / "policies"
    leave = shutil.ignore_patterns("*.cases.yaml", "facts.yaml")
    shutil.copytree(load_policies().folder, target, ignore=leave)
    for path in sorted((target / POLICY).glob("*.yaml")):
        if path.stem in TOPICS:
            continue
        data = read_document(str(path)).data
        if isinstance(data, dict) and {"rules", "adopts"} & data.keys():
            kept = {key: value for key, value in data.items() if key not in ("rules", "adopts")}
            path.write_text(json.dumps(kept, ensure_ascii=False, indent=1), "utf-8")
    return target
