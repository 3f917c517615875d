"""Put what a contract brings in place of what common logic takes."""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp

from jobplan.expression.parse import Tree, name_of

PLACE = ("start", "end")


def unread() -> Tree:
    """Return a tree in place of what is broken: of no kind, so that nothing else is said about it."""
    tree = exp.Boolean(this=True)
    tree.meta["broken"] = True
    return tree


def bound(tree: Tree, bindings: Mapping[str, Tree]) -> Tree:
    """Put what is bound in place of the names of a tree; it stands where the name stood."""

    def replace(node: Tree) -> Tree:
        if isinstance(node, exp.Column) and "ref" not in node.meta:
            alias, name = name_of(node)
            if not alias and name in bindings:
                given = placed(copied(bindings[name]), node)
                return given if isinstance(given, (exp.Column, exp.Literal)) else exp.Paren(this=given)
        return node

    return tree.transform(replace, copy=False)


def copied(tree: Tree) -> Tree:
    """Return a copy of a tree that keeps what its names stand for."""
    copy = tree.copy()
    for mine, theirs in zip(copy.walk(), tree.walk(), strict=True):
        mine.meta.update(theirs.meta)
    return copy


def placed(tree: Tree, name: Tree) -> Tree:
    """Give a tree the place of a name in another text."""
    for node in tree.walk():
        for key in PLACE:
            node.meta.pop(key, None)
    for node in name.walk():
        tree.meta.update({key: node.meta[key] for key in PLACE if key in node.meta})
    return tree
