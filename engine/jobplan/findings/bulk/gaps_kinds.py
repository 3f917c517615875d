"""What the reasons of a chunk are made of: kinds of reasons and their sets, the words of what needs no plan.

Most plans of an export lack the same. Nothing in a number is of one plan only, so plans with the same gaps
share their sets of reasons, and what is said of a set that names no row is said once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jobplan.backends.sql.reasons_codes import KIND, KINDS, Codes, Lacking
from jobplan.extras import library
from jobplan.facts.schema import FactSchema
from jobplan.findings.wording import because, clause
from jobplan.model import Reason

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SILENT = KINDS.index("silent") * KIND
QUOTED = ("conflict", "unreadable")
"""Causes of facts with words of the plan's own."""


@dataclass(frozen=True, slots=True)
class KindOfReason:
    """A reason without its row: what it says, and the beginning and middle of the clause that says it.

    `own` tells that words of the plan stand between these; `named` whose rows may be named: the relation's
    own, those of the relation above, or none.
    """

    key: int
    lacking: Lacking
    claim: bool
    own: bool
    named: str
    before: str
    after: str
    clause: str


@dataclass(frozen=True, slots=True)
class Kinds:
    """The kinds of reasons of one edition, by number without row."""

    codes: Codes
    schema: FactSchema

    def of(self, key: int, words: Mapping[int, str]) -> KindOfReason:
        """Return a kind of reason; `words` are those that a table has for some plans, by number."""
        lacking = self.codes.read(key)
        if lacking.kind == "silent":
            text = lacking.text or words.get(key % (1 << 40), "")
            silence = Lacking("silent", "", 0, lacking.field, "", text)
            return KindOfReason(key, silence, False, False, "", text, "", f"silent {text}")
        reason = reason_of(lacking, "")
        field = self.schema.field(lacking.relation, lacking.field)
        said = clause((lacking.relation, lacking.field, lacking.cause), [reason], lambda _: "")
        named, after = "", ""
        if lacking.cause != "not_attested" and lacking.relation not in ("", self.schema.root):
            named, after = ("own", f" in {lacking.relation} ") if lacking.field else ("above", " for ")
        return KindOfReason(
            key=key,
            lacking=lacking,
            claim=lacking.kind == "missing" and field is not None and field.claim,
            own=bool(lacking.field) and lacking.cause in QUOTED,
            named=named,
            before=said,
            after=after,
            clause=f"{lacking.relation} {lacking.field} {lacking.cause}",
        )

    def table(self, keys: Iterable[int], words: Mapping[int, str]) -> Any:
        """Return the kinds of reasons with these numbers as an Arrow table."""
        pyarrow = library("pyarrow")
        found = [self.of(key, words) for key in keys]
        clauses = {text: place for place, text in enumerate(dict.fromkeys(kind.clause for kind in found))}
        columns = {
            "key": pyarrow.array([kind.key for kind in found], pyarrow.int64()),
            "kind": texts(kind.lacking.kind for kind in found),
            "relation": texts(kind.lacking.relation for kind in found),
            "field": texts(kind.lacking.field for kind in found),
            "cause": texts(kind.lacking.cause for kind in found),
            "text": texts(kind.lacking.text for kind in found),
            "named": texts(kind.named for kind in found),
            "before": texts(kind.before for kind in found),
            "after": texts(kind.after for kind in found),
            "own": pyarrow.array([kind.own for kind in found], pyarrow.bool_()),
            "claim": pyarrow.array([kind.claim for kind in found], pyarrow.bool_()),
            "clause": pyarrow.array([clauses[kind.clause] for kind in found], pyarrow.int32()),
        }
        return pyarrow.table(columns)


def texts(values: Iterable[str]) -> Any:
    """Return texts as an Arrow array."""
    pyarrow = library("pyarrow")
    return pyarrow.array(list(values), pyarrow.string())


def reason_of(lacking: Lacking, row: str) -> Reason:
    """Return a reason in a row."""
    return Reason(lacking.kind, lacking.relation, row, lacking.field, lacking.cause, lacking.text)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Sets:
    """The statements that find the sets of reasons in a chunk.

    They read work."gap raw" (P, rule, R, subjects, stated, ids, why) and leave work."gap sets" (S, codes,
    plain, severity, unstated, said), and work."gap" (P, rule, R, subjects, stated, ids, S).
    """

    connection: DuckDBPyConnection
    kinds: Kinds

    def make(self) -> None:
        """Find the sets and the kinds of their reasons, and say what needs no plan."""
        run = self.connection.execute
        run('CREATE TABLE work."gap lists" AS SELECT why, row_number() OVER () AS W '
            'FROM (SELECT DISTINCT why FROM work."gap raw")')  # fmt: skip
        run('CREATE TABLE work."gap sorted" AS '
            'SELECT W, list_sort(list_distinct(why)) AS codes FROM work."gap lists"')  # fmt: skip
        run('CREATE TABLE work."gap codes" AS SELECT codes, row_number() OVER () AS S '
            'FROM (SELECT DISTINCT codes FROM work."gap sorted")')  # fmt: skip
        run('CREATE TABLE work."gap" AS SELECT P, rule, R, subjects, stated, ids, S FROM work."gap raw" '
            'JOIN work."gap lists" USING (why) JOIN work."gap sorted" USING (W) '
            'JOIN work."gap codes" USING (codes)')  # fmt: skip
        run(f'CREATE TABLE work."gap entries" AS SELECT S, code, {RANK} AS rank, {KEY} AS key '
            'FROM (SELECT S, unnest(codes) AS code FROM work."gap codes")')  # fmt: skip
        self._kinds()
        self._sets()

    def _kinds(self) -> None:
        run = self.connection.execute
        keys = [key for (key,) in run('SELECT DISTINCT key FROM work."gap entries" ORDER BY key').fetchall()]
        known = run(
            "SELECT count(*) FROM duckdb_tables() WHERE schema_name = 'work' AND table_name = 'words'"
        )
        words = {}
        if known.fetchall()[0][0]:
            words = dict(run("SELECT number, text FROM work.words").fetchall())
        put(self.connection, "gap kinds", self.kinds.table(keys, words))

    def _sets(self) -> None:
        """Tell of each set whether it needs no plan to be said, and how grave it is."""
        self.connection.execute(
            'CREATE TABLE work."gap sets" AS SELECT S, '
            "bool_and(NOT own AND (named = '' OR rank = 0)) AS plain, "
            "CASE WHEN bool_and(kind = 'silent') THEN 'open' ELSE 'gap' END AS severity, "
            "bool_and(claim) AS unstated, "
            "list({kind: kind, relation: relation, rank: rank, field: field, cause: cause, text: text, "
            "own: own, code: code} ORDER BY code) AS parts "
            'FROM work."gap entries" JOIN work."gap kinds" USING (key) GROUP BY S'
        )

    def plain(self) -> list[tuple[int, str]]:
        """Return what is said of each set that needs no plan."""
        rows = self.connection.execute(
            "SELECT S, list_transform(parts, lambda x: [x.kind, x.relation, x.field, x.cause, x.text]) "
            'FROM work."gap sets" WHERE plain'
        ).fetchall()
        return [(number, "; ".join(because(map(as_reason, parts), lambda _: ""))) for number, parts in rows]


RANK = f"CASE WHEN code < {SILENT} THEN (code >> 28) & {(1 << 24) - 1} ELSE 0 END"
KEY = f"CASE WHEN code < {SILENT} THEN code - (((code >> 28) & {(1 << 24) - 1}) << 28) ELSE code END"


def as_reason(parts: Sequence[str]) -> Reason:
    """Return a reason that names no row."""
    kind, relation, field, cause, text = parts
    return Reason(kind, relation, "", field, cause, text)  # type: ignore[arg-type]


def put(connection: DuckDBPyConnection, name: str, table: Any) -> None:
    """Make a table of an Arrow table."""
    connection.register("given", table)
    connection.execute(f'CREATE TABLE work."{name}" AS SELECT * FROM given')
    connection.unregister("given")
