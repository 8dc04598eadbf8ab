"""`noren bench`: how fast this machine does the work, beside references measured in the same run."""

import json
import signal
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from app.bench.results import Failed, Result, Size

BENCHMARKS = {
    "P1": "app.bench.p1_intake",
    "P2": "app.bench.p2_push",
    "P3": "app.bench.p3_campaign",
    "P3W": "app.bench.p3_workers",
    "P4": "app.bench.p4_segment",
    "P5": "app.bench.p5_dry_run",
    "P7": "app.bench.p7_tills",
    "P8": "app.bench.p8_import",
    "P9": "app.bench.p9_weather_tick",
    "P10": "app.bench.p10_backtest",
    "P11": "app.bench.p11_walls",
    "P12": "app.bench.p12_start",
    "P14": "app.bench.p14_growth",
}
"""Each of these modules has `run(size) -> Result`."""


def register(cli: typer.Typer) -> None:
    """Add the command to `noren`."""
    cli.command("bench")(bench)


def bench(
    names: Annotated[list[str] | None, typer.Argument(help=f"Which: {', '.join(BENCHMARKS)}. None: all.")] = None,
    size: Annotated[Size, typer.Option(help="Seconds of work, or as much as the bars speak of.")] = Size.CI,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the JSON here instead of to stdout.")] = None,
) -> None:
    """Measure, and print a table and JSON. Ends with 1 when a bar does not hold; leaves nothing behind."""
    chosen = [name.upper() for name in names or BENCHMARKS]
    for name in chosen:
        if name not in BENCHMARKS:
            raise typer.BadParameter(f"There is no benchmark {name}; there are {', '.join(BENCHMARKS)}.")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    from app.bench.machine import describe

    machine = describe()
    results, failures = [], {}
    for name in chosen:
        typer.echo(f"{name} …", err=True)
        try:
            results.append(_run(name, size))
        except Failed as failed:
            failures[name] = str(failed)
    _print(results, failures, machine, size, json_file)
    if failures or not all(result.holds for result in results):
        raise typer.Exit(1)


def _run(name: str, size: Size) -> Result:
    result: Result = import_module(BENCHMARKS[name]).run(size)
    return result


def _print(
    results: list[Result], failures: dict[str, str], machine: dict[str, Any], size: Size, json_file: Path | None
) -> None:
    from app.bench.results import table

    typer.echo(f"\n{machine['cpu']}, {machine['cores']} cores, load {machine['load_average']}, size {size}\n", err=True)
    if results:
        typer.echo(table(results), err=True)
    for name, sentence in failures.items():
        typer.echo(f"{name} could not be measured. {sentence}", err=True)
    document = {
        "size": str(size),
        "machine": machine,
        "results": [result.as_json() for result in results],
        "failures": failures,
    }
    text = json.dumps(document, ensure_ascii=False, indent=1)
    if json_file is None:
        typer.echo(text)
    else:
        json_file.write_text(text + "\n")
