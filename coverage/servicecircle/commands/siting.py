"""``site``: where to build next, with proof."""

from __future__ import annotations

import datetime as dt
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from servicecircle.commands.shared import (
    WITH_PROBLEMS,
    as_of_option,
    bars,
    cache_option,
    faults_end,
    fresh_option,
    load,
    prepare,
    say,
    serious,
    set_option,
    strict_option,
    workers_option,
)

__all__ = ["site"]

_OBJECTIVES = ("fewest", "cover", "mean", "worst", "cover_then_mean")


def _numbers(
    _context: click.Context, _option: click.Parameter, value: str | None
) -> tuple[float, ...]:
    """Read numbers of 0 or more, with commas between them."""
    if value is None:
        return ()
    try:
        found = tuple(float(one) for one in value.replace(":", ",").split(","))
    except ValueError:
        raise click.BadParameter(f"{value!r} is not a list of numbers such as 4,3,3") from None
    if not all(0.0 <= one < math.inf for one in found) or not any(found):
        raise click.BadParameter(f"{value!r}: the numbers must be 0 or more, not all of them 0")
    return found


class _Number(click.FloatRange):
    """A number within a range; not infinite, nor the text "nan", which every range lets through."""

    name = "number"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the number, or fail in words."""
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a finite number.", param, ctx)
        return number


_positive = _Number(min=0.0, min_open=True)
_share = _Number(min=0.0, max=1.0)
_part = _Number(min=0.0, min_open=True, max=1.0)
_gap = _Number(min=0.0, max=1.0, max_open=True)
_money = _Number(min=0.0)
_count = click.IntRange(min=0)
_year = click.IntRange(min=1900, max=2200)

_DERIVED = (
    *("sites", "budget", "share", "floor", "each", "minutes", "metres", "straight", "profile"),
    *("scope", "people", "closings", "capacities"),
)
"""What an indicator says itself, so that it is not asked for beside one."""
_OPTION_OF = {"closings": "close", "capacities": "capacity"}
"""Options whose names are other words than the fields of a request."""

_OPTIONS: tuple[Callable[[Any], Any], ...] = (
    click.option(
        "--layer",
        "layers",
        metavar="LAYER",
        multiple=True,
        help="Facility layer that new sites are for; several: each site serves them all.",
    ),
    click.option(
        "--objective",
        type=click.Choice(_OBJECTIVES),
        default="fewest",
        show_default=True,
        help="fewest: the smallest number that covers what is asked; cover: most people by N; "
        "mean, worst: least mean or longest way; cover_then_mean: most people, then least mean.",
    ),
    click.option(
        "--sites", metavar="N", type=_count, help="At most so many new sites. 至多新增几处。"
    ),
    click.option("--budget", metavar="COST", type=_money, help="At most so much for all of them."),
    click.option("--by-cost", is_flag=True, help="fewest: the least cost, not the least number."),
    click.option(
        "--share",
        metavar="SHARE",
        type=_share,
        help="fewest: least share of all people, 0 to 1; default: all whom any candidate reaches.",
    ),
    click.option(
        "--floor",
        metavar="SHARE",
        type=_share,
        help="Least share of the people of each unit. 每个单元的覆盖率下限。",
    ),
    click.option(
        "--each",
        metavar="N",
        type=_count,
        help="Least number of sites in each unit that should have one, existing ones included.",
    ),
    click.option("--minutes", metavar="M", type=_positive, help="A site serves within so long."),
    click.option("--metres", metavar="M", type=_positive, help="… within so far along the roads."),
    click.option(
        "--straight", metavar="M", type=_positive, help="… within so far as the crow flies."
    ),
    click.option("--profile", metavar="NAME", help="Profile of travel; default: the layer's."),
    click.option(
        "--level", metavar="LEVEL", help="Level of the units of --floor, --each and site_units.csv."
    ),
    click.option(
        "--scope", metavar="SCOPE", help="Only people within it, such as main_urban_area."
    ),
    click.option(
        "--people",
        type=click.Choice(["population", "elderly"]),
        help="Whom the sites serve; default: the elderly where they are known.",
    ),
    click.option(
        "--close",
        "closings",
        metavar="N",
        type=_count,
        help="At most so many existing sites close, each for a further new one.",
    ),
    click.option(
        "--capacity",
        "capacities",
        is_flag=True,
        help="No site serves more people than it has places for (beds, seats).",
    ),
    click.option(
        "--need",
        metavar="SHARE",
        type=_part,
        help="With --capacity: share of the people who need a place. Default: all.",
    ),
    click.option(
        "--where-possible",
        is_flag=True,
        help="Ask of each unit, and of all, no more than the candidates can give.",
    ),
    click.option(
        "--indicator",
        metavar="[PLAN:]ID",
        default="",
        help="Derive all of that from an indicator of the project's plans: the fewest sites that "
        "turn its verdict. 由规划指标推出选址要求。",
    ),
    click.option("--year", metavar="YYYY", type=_year, help="Year of the indicator's target."),
    click.option(
        "--value-only",
        is_flag=True,
        help="With --indicator: its value reaches the target, whatever its bounds say.",
    ),
    click.option(
        "--every-unit",
        is_flag=True,
        help="With --indicator and --level: every unit of the level reaches the target.",
    ),
    click.option(
        "--parts",
        metavar="LIST",
        callback=_numbers,
        help="Open the sites in phases of these sizes, such as 4,3,3. 分期比例。",
    ),
    click.option(
        "--budgets",
        metavar="LIST",
        callback=_numbers,
        help="Open them by these budgets, phase by phase.",
    ),
    click.option(
        "--first-year",
        metavar="YYYY",
        type=_year,
        help="Year of the first phase, with --parts or --budgets.",
    ),
    click.option(
        "--seconds",
        metavar="S",
        type=_positive,
        default=60.0,
        show_default=True,
        help="That solving may take; then the best so far is told with its bound.",
    ),
    click.option(
        "--gap",
        metavar="GAP",
        type=_gap,
        default=0.0,
        show_default=True,
        help="Stop when the best is proven to be within this share of the best possible.",
    ),
)


def _options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of a siting study, in their order."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.command(short_help="Find where to build next, with proof of how good it is.")
@click.argument("project", type=click.Path(path_type=Path, dir_okay=False))
@_options
@click.option(
    "--out",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder to write; default maps/<project name> sites/ in the current folder. A folder that "
    "holds anything but an earlier siting study is refused.",
)
@workers_option
@strict_option
@as_of_option
@set_option
@cache_option
@fresh_option
def site(
    project: Path,
    *,
    out: Path | None,
    workers: int | None,
    strict: bool,
    as_of: dt.datetime | None,
    changes: tuple[str, ...],
    cache: Path | None,
    **asked: Any,
) -> None:
    """Find where new facilities of PROJECT do most, or the fewest that reach a target.

    选址：最少几处达标、几处覆盖最多人、按年分期，并证明离最优多远。

    Existing facilities stay. Writes the folder of a run as it would be with the new sites, which
    compare takes beside one without, and sites.csv, site_units.csv, site_gains.csv,
    candidates.csv, site_verdicts.csv and siting.csv.
    """
    _check_usage(asked)
    prepare(workers, cache)
    loaded = load(project, as_of, changes)
    language = loaded.project.language
    with faults_end(language), bars(language) as shown:
        with shown.stage("loading"):
            from servicecircle.site import propose_sites
            from servicecircle.siting.request import SiteRequest
            from servicecircle.study import default_folder
        folder = out or default_folder(f"{loaded.project.name} sites")
        given = {name: value for name, value in asked.items() if value is not None}
        summary = propose_sites(loaded, SiteRequest(**given), folder, progress=shown)
    say(summary.text(language))
    if strict and serious(summary):
        sys.exit(WITH_PROBLEMS)


def _check_usage(asked: dict[str, Any]) -> None:
    """Refuse options that contradict each other, or that nothing would come of."""
    limits = [name for name in ("minutes", "metres", "straight") if asked[name] is not None]
    if bool(asked["layers"]) == bool(asked["indicator"]):
        raise click.UsageError("Give either --layer or --indicator.")
    if len(limits) > 1:
        raise click.UsageError(f"Give one limit, not {' and '.join(f'--{one}' for one in limits)}.")
    if asked["parts"] and asked["budgets"]:
        raise click.UsageError("Give --parts or --budgets, not both.")
    if asked["need"] is not None and not asked["capacities"]:
        raise click.UsageError("--need goes with --capacity.")
    if not (asked["parts"] or asked["budgets"]):
        _without(asked, ("first_year",), needed="--parts or --budgets")
    if asked["indicator"]:
        _check_derived(asked)
        return
    _without(asked, ("year", "value_only", "every_unit"), needed="--indicator")
    if asked["objective"] != "fewest":
        _without(asked, ("share", "by_cost"), needed="--objective fewest")


def _check_derived(asked: dict[str, Any]) -> None:
    """Refuse beside an indicator what it says itself."""
    given = [name for name in _DERIVED if asked[name] is not None and asked[name] is not False]
    given += ["objective"] if asked["objective"] != "fewest" else []
    if given:
        told = ", ".join(f"--{_OPTION_OF.get(name, name)}" for name in given)
        raise click.UsageError(f"The indicator says itself what is asked: leave out {told}.")
    if asked["every_unit"] and not asked["level"]:
        raise click.UsageError("--every-unit needs --level: the units that are meant.")


def _without(asked: dict[str, Any], names: tuple[str, ...], *, needed: str) -> None:
    """Refuse options that mean something beside another one alone."""
    for name in names:
        if asked[name] is not None and asked[name] is not False:
            raise click.UsageError(f"--{name.replace('_', '-')} goes with {needed}.")
