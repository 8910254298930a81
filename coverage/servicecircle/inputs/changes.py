"""Units before and after: what became of a unit that was renamed, merged, split or moved."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from servicecircle.errors import InputError
from servicecircle.inputs.change_ways import LONG_AGO, Change, Kind, Node, Part, Span, UnitName, Way
from servicecircle.inputs.gazetteer import normalise_name
from servicecircle.problems import Problem

__all__ = [
    "NO_CHANGES",
    "Change",
    "Changes",
    "Kind",
    "Part",
    "UnitName",
    "change_table",
    "resolve",
]

# Ways through a table that no history of units comes near.
_MOST_STEPS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """A change table, ready to look units up in.

    Parameters
    ----------
    rows : tuple of Change
    ahead, back : mapping
        Unit → the changes that it goes into, or comes from, in the order of time.
    nodes : mapping of Change to (Node, Node)
    by_text : mapping of (level, code or normalised name) to units
    """

    rows: tuple[Change, ...] = ()
    ahead: Mapping[Node, tuple[Change, ...]] = field(default_factory=dict)
    back: Mapping[Node, tuple[Change, ...]] = field(default_factory=dict)
    nodes: Mapping[Change, tuple[Node, Node]] = field(default_factory=dict)
    by_text: Mapping[tuple[str, str], tuple[Node, ...]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Tell whether there is any change."""
        return bool(self.rows)

    def find(self, text: str, level: str, *, parent: str = "") -> tuple[Node, ...]:
        """Return the units of the table that a code or a name may stand for."""
        text = text.strip()
        found = self.by_text.get((level, text)) or self.by_text.get((level, normalise_name(text)))
        if not text or not found:
            return ()
        within = normalise_name(parent)
        if within and len(found) > 1:
            inside = tuple(node for node in found if within in self._parents(node))
            return inside or found
        return found

    def _parents(self, node: Node) -> set[str]:
        names = [row.before.parent for row in self.ahead.get(node, ())]
        names += [row.after.parent for row in self.back.get(node, ())]
        return {normalise_name(name) for name in names}

    def lives_on(self, node: Node, as_of: dt.date) -> bool:
        """Tell whether a unit of this code or name exists at a date, as far as the table says."""
        left = [row.when for row in self.ahead.get(node, ()) if row.when <= as_of]
        came = [row.when for row in self.back.get(node, ()) if row.when <= as_of]
        return not left or (bool(came) and max(came) >= max(left))

    def successors(
        self,
        text: str,
        *,
        level: str,
        since: dt.date | None = None,
        as_of: dt.date | None = None,
        parent: str = "",
    ) -> tuple[Part, ...]:
        """Return what became of a unit between two dates.

        Changes after ``since`` and up to ``as_of`` are followed, also through several steps.
        Those of one day happen at once: what arises on a day does not change on it.

        Parameters
        ----------
        text : str
            Code or name.
        level : str
        since : datetime.date, optional
            Date of the list that names the unit; all changes where not known.
        as_of : datetime.date, optional
        parent : str
            Tells apart units of one name.

        Returns
        -------
        tuple of Part
            Empty where no change of the table concerns the unit.

        Examples
        --------
        >>> east = Change(
        ...     level="county", before=UnitName("1", "大区"), after=UnitName("2", "东区"),
        ...     kind="split", date=dt.date(2021, 4, 9), share=0.25,
        ... )
        >>> west = Change(
        ...     level="county", before=UnitName("1", "大区"), after=UnitName("1", "大区"),
        ...     kind="split", date=dt.date(2021, 4, 9), share=0.75,
        ... )
        >>> table = change_table([east, west])
        >>> [(part.unit.name, part.share) for part in table.successors("大区", level="county")]
        [('东区', 0.25), ('大区', 0.75)]
        >>> table.successors("大区", level="county", since=dt.date(2022, 1, 1))
        ()
        """
        span = (since or LONG_AGO, as_of or dt.date.max)
        return self._follow(self.find(text, level, parent=parent), span, forward=True)

    def predecessors(
        self,
        text: str,
        *,
        level: str,
        since: dt.date | None = None,
        as_of: dt.date | None = None,
        parent: str = "",
    ) -> tuple[Part, ...]:
        """Return the units of an earlier date that a unit came from; shares are of those.

        Parameters are those of :meth:`successors`: ``as_of`` is the date of the list that names
        the unit, ``since`` the earlier date that is asked for.
        """
        span = (since or LONG_AGO, as_of or dt.date.max)
        return self._follow(self.find(text, level, parent=parent), span, forward=False)

    def _follow(self, nodes: tuple[Node, ...], span: Span, *, forward: bool) -> tuple[Part, ...]:
        found: dict[Node, Part] = {}
        for start in nodes:
            way = Way(node=start)
            for end in self._walk(way, span, forward=forward):
                if not end.steps:
                    continue
                share = self._share(end.steps)
                known = found.get(end.node)
                found[end.node] = Part(
                    unit=end.steps[-1].after if forward else end.steps[0].before,
                    share=share if known is None else known.share + share,
                    steps=end.steps if known is None else (*known.steps, *end.steps),
                )
        return tuple(found.values())

    def _walk(self, start: Way, span: Span, *, forward: bool) -> list[Way]:
        """Return the ends of all ways on from a unit, itself where nothing more becomes of it."""
        table = self.ahead if forward else self.back
        ends: list[Way] = []
        open_ways, taken = [start], 0
        while open_ways:
            way = open_ways.pop()
            taken += 1
            if taken > _MOST_STEPS:
                raise InputError(_tangled(self.rows[0].file, start.node))
            rows = [row for row in table.get(way.node, ()) if way.may_take(row, span, forward)]
            if not rows:
                ends.append(way)
                continue
            day = min(row.when for row in rows) if forward else max(row.when for row in rows)
            onward = [
                way.onward(row, self.nodes[row][1 if forward else 0], forward)
                for row in rows
                if row.when == day
            ]
            open_ways += onward[::-1]
        return ends

    def _share(self, steps: tuple[Change, ...]) -> float:
        share = 1.0
        for row in steps:
            node = self.nodes[row][0]
            others = [one for one in self.ahead[node] if one.when == row.when]
            if len(others) > 1:
                share *= row.share
        return share


NO_CHANGES = Changes()


def _tangled(file: str, node: Node) -> Problem:
    return Problem(
        code="change.tangled", severity="fatal", action="stopped", file=file, value=node[1]
    )


def change_table(rows: Iterable[Change]) -> Changes:
    """Return changes ready to look units up in.

    A unit that one row names without its code is the one of that name which another row gives a
    code, where there is just one.

    Examples
    --------
    >>> rows = [
    ...     Change(level="township", before=UnitName("", "甲乡"), after=UnitName("12", "甲镇"),
    ...            kind="rename", date=dt.date(2015, 1, 1)),
    ...     Change(level="township", before=UnitName("", "甲镇"), after=UnitName("", "乙街道"),
    ...            kind="merge", date=dt.date(2019, 1, 1)),
    ... ]
    >>> table = change_table(rows)
    >>> [part.unit.name for part in table.successors("甲乡", level="township")]
    ['乙街道']
    >>> bool(change_table([]))
    False
    """
    rows = tuple(rows)
    codes: dict[Node, set[tuple[str, str]]] = defaultdict(set)
    for row in rows:
        for unit in (row.before, row.after):
            if unit.code and unit.name:
                codes[row.level, normalise_name(unit.name)].add(
                    (unit.code, normalise_name(unit.parent))
                )

    def key(level: str, unit: UnitName) -> Node:
        if unit.code:
            return level, unit.code
        name, parent = normalise_name(unit.name), normalise_name(unit.parent)
        known = codes.get((level, name), set())
        same = {code for code, above in known if not parent or not above or above == parent}
        if len(same) == 1:
            return level, next(iter(same))
        return level, _name_key(unit)

    ahead: dict[Node, list[Change]] = defaultdict(list)
    back: dict[Node, list[Change]] = defaultdict(list)
    nodes: dict[Change, tuple[Node, Node]] = {}
    texts: dict[tuple[str, str], dict[Node, None]] = defaultdict(dict)
    for row in rows:
        before, after = key(row.level, row.before), key(row.level, row.after)
        if before == after and bool(row.before.code) != bool(row.after.code):
            # It is given its code, or loses it: the two are not one.
            bare = row.after if row.before.code else row.before
            own = (row.level, _name_key(bare))
            before, after = (before, own) if row.before.code else (own, after)
        nodes[row] = before, after
        ahead[before].append(row)
        back[after].append(row)
        for node, unit in ((before, row.before), (after, row.after)):
            for text in {unit.code, normalise_name(unit.name)} - {""}:
                texts[row.level, text][node] = None

    def in_time(table: Mapping[Node, list[Change]]) -> dict[Node, tuple[Change, ...]]:
        return {
            node: tuple(sorted(found, key=lambda row: row.when)) for node, found in table.items()
        }

    return Changes(
        rows=rows,
        ahead=in_time(ahead),
        back=in_time(back),
        nodes=nodes,
        by_text={text: tuple(found) for text, found in texts.items()},
    )


def _name_key(unit: UnitName) -> str:
    name, parent = normalise_name(unit.name), normalise_name(unit.parent)
    return f"{name}@{parent}" if parent else name


def resolve(
    changes: Changes,
    text: str,
    level: str,
    as_of: dt.date,
    *,
    since: dt.date | None = None,
    parent: str = "",
) -> tuple[UnitName, ...]:
    """Return the units of a date that a code or a name of an older list may stand for.

    Parameters
    ----------
    changes : Changes
    text : str
        Code or name as the list gives it.
    level : str
    as_of : datetime.date
        Date of the units.
    since : datetime.date, optional
        Date of the list. Without it a unit that still exists at ``as_of`` stands for itself.
    parent : str
        Tells apart units of one name.

    Returns
    -------
    tuple of UnitName
        One where the unit was renamed, moved or merged, several where it was split, none where
        the table says nothing of it.

    Examples
    --------
    >>> row = Change(
    ...     level="county", before=UnitName("330103", "下城区"), after=UnitName("330105", "拱墅区"),
    ...     kind="merge", date=dt.date(2021, 4, 9),
    ... )
    >>> table = change_table([row])
    >>> [unit.name for unit in resolve(table, "下城区", "county", dt.date(2025, 1, 1))]
    ['拱墅区']
    >>> resolve(table, "西湖区", "county", dt.date(2025, 1, 1))
    ()
    """
    if since is None:
        found = changes.find(text, level, parent=parent)
        if not found or all(changes.lives_on(node, as_of) for node in found):
            return ()
    parts = changes.successors(text, level=level, since=since, as_of=as_of, parent=parent)
    return tuple(part.unit for part in parts)
