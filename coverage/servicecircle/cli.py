"""The command line: ``servicecircle run``, ``check``, ``demo``, ``plans`` and the others.

The commands stand in ``commands/``, by topic. Heavy imports happen inside them, so that ``--help``
is there at once.
"""

from __future__ import annotations

import io
import sys
from typing import Any

import click

from servicecircle.commands.plans import plans
from servicecircle.commands.reading import compare, explain
from servicecircle.commands.running import check, demo, run
from servicecircle.commands.siting import site
from servicecircle.commands.tools import carry, circles, fetch, way

__all__ = ["main"]

_INTERRUPTED = 130


class _Group(click.Group):
    """A group that prints a question mark for what the terminal's encoding cannot hold."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="replace")
        return super().main(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            # What a shell tells of a command that was interrupted; folders are written whole.
            click.echo("\n已中断，没有写入结果。Interrupted: no result was written.", err=True)
            ctx.exit(_INTERRUPTED)


@click.group(
    cls=_Group,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done; 1 the inputs are wrong, nothing was written; 2 wrong usage; "
    "3 done, with problems of the data (--strict); 130 interrupted. Progress goes "
    "to stderr, results to stdout.",
)
@click.version_option(package_name="servicecircle")
def main() -> None:
    """Service circles, coverage rates and targets of public facilities.

    公共服务设施的服务圈、覆盖率与规划指标评价。

    Facility layers, boundaries, population and roads in; who is covered, which target is met and
    what is missing where, out: as a map, tables and a GeoPackage.
    """


for _command in (run, demo, site, check, carry, circles, way, explain, compare, plans, fetch):
    main.add_command(_command)
