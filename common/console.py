"""What a person sees: lines, tables and progress go to stderr; results for programs (`--json`) go to stdout.

`main(app)` runs a Typer app and turns a `FieldkitError` into its message, its mend and exit code 2.
"""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

import typer

from common.errors import FieldkitError

if TYPE_CHECKING:
    from rich.console import Console

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON on stdout.")]


@cache
def console() -> "Console":
    """The console on stderr. Rich is imported here, so that `--help` stays fast."""
    from rich.console import Console

    piped = None if sys.stderr.isatty() else 120  # a log has no width of its own
    return Console(stderr=True, highlight=False, soft_wrap=True, width=piped, force_jupyter=False)


def say(message: str, style: str | None = None) -> None:
    """One line for the person at the terminal."""
    console().print(message, style=style, markup=False)


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """A small table. Numbers should come formatted."""
    from rich.table import Table

    grid = Table(title=title, title_justify="left", title_style="bold")
    for name in columns:
        grid.add_column(name, overflow="fold")
    for row in rows:
        grid.add_row(*(str(cell) for cell in row))
    console().print(grid, markup=False)


@contextmanager
def progress(description: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """A progress bar; the value yielded moves it by n."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console()) as bar:
        task = bar.add_task(description, total=total)
        yield lambda n: bar.advance(task, n)


def emit(result: Mapping[str, Any], as_json: bool) -> None:
    """Print a result for programs, where the caller asked for it."""
    if as_json:
        sys.stdout.write(json.dumps(result, indent=2, default=str) + "\n")


def app(help_text: str) -> typer.Typer:
    """A Typer application in the house's form."""
    return typer.Typer(
        help=help_text,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )  # rich help costs 0.3 s


def main(application: Callable[[], Any]) -> None:
    """Run a room's command line. Exit code 2 with the mend on bad input, 130 when interrupted."""
    try:
        application()
    except FieldkitError as error:
        console().print(f"error: {error.message}", style="bold red", markup=False)
        console().print(f"  mend: {error.mend}", markup=False)
        raise SystemExit(2) from error
    except KeyboardInterrupt:
        say("interrupted; run the same command again to go on")
        raise SystemExit(130) from None
