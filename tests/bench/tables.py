"""Figures as tables: one line each, or a grid where many peers stand beside one of ours."""

from collections.abc import Iterator

from rich.table import Table

from tests.bench.harness import Figure


def tables(figures: list[Figure]) -> Iterator[Table]:
    """All lines together, then one grid for each name."""
    lines = [each for each in figures if not each.column]
    if lines:
        yield _lines(lines)
    for name in dict.fromkeys(each.name for each in figures if each.column):
        yield _grid([each for each in figures if each.column and each.name == name])


def _lines(figures: list[Figure]) -> Table:
    table = Table("benchmark", "ours", "peer", "ratio", "mark", "met")
    words = {None: "-", True: "yes", False: "no"}
    for each in figures:
        table.add_row(
            each.name,
            _number(each.ours),
            f"{_number(each.peer)} {each.unit} ({each.peer_name})",
            f"{each.ratio:.2f}",
            _mark(each),
            words[each.is_met],
        )
    return table


def _grid(figures: list[Figure]) -> Table:
    """A row for each peer, a column for each case; in brackets, how often ours goes into it."""
    columns = list(dict.fromkeys(each.column for each in figures))
    table = Table(
        "", *columns, title=f"{figures[0].name}, {figures[0].unit} (as a multiple of ours)"
    )
    ours = {each.column: _number(each.ours) for each in figures}
    table.add_row("ours", *(ours[column] for column in columns))
    for peer in dict.fromkeys(each.peer_name for each in figures):
        cells = {
            each.column: f"{_number(each.peer)} ({_times(1 / each.ratio)})"
            for each in figures
            if each.peer_name == peer
        }
        table.add_row(peer, *(cells.get(column, "-") for column in columns))
    return table


def _number(value: float) -> str:
    return f"{value:.3g}" if value < 1000 else f"{value:,.0f}"


def _times(value: float) -> str:
    return f"{value:.2f}" if value < 2 else f"{value:.3g}"


def _mark(figure: Figure) -> str:
    if figure.mark is None:
        return "-"
    sign = "<=" if figure.less_is_better else ">="
    return f"{sign} {_number(figure.mark)}" + (f" {figure.unit}" if figure.mark_is_absolute else "")
