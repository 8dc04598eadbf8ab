"""What operators do by hand about the keys that seal secrets: make, replace, check."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.terminal import choose_brands
from tenants.sealing import Keyring

if TYPE_CHECKING:
    from sqlalchemy import Engine

keys = typer.Typer(help="The keys that seal secrets.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def register(cli: typer.Typer) -> None:
    """Put `keys` among the commands."""
    cli.add_typer(keys, name="keys")


@keys.command("new")
def new_key(
    name: Annotated[str, typer.Argument(help="Its id, such as the year; letters, digits, dots and dashes.")],
) -> None:
    """Print a new master key, as NOREN_MASTER_KEYS or its file writes it."""
    import re

    from app.keys import new_master_key

    if not re.fullmatch(r"[A-Za-z0-9._-]{1,40}", name):
        raise typer.BadParameter("must be 1 to 40 letters, digits, dots or dashes", param_hint="NAME")
    typer.echo(new_master_key(name))


@keys.command("rotate")
def rotate(
    data_keys: Annotated[
        bool, typer.Option("--data-keys", help="Also give each brand a new data key, and seal everything again.")
    ] = False,
    brand: Annotated[str | None, typer.Option("--brand", help="This brand only, brand_….")] = None,
    as_json: AsJson = False,
) -> None:
    """Wrap every brand's data key with the first master key. The service goes on; repeating it is harmless."""
    from app.admin import sealed
    from tenants.sealing import Unsealable

    done: Counter[str] = Counter(brands=0, rewrapped=0, resealed=0, undecryptable=0, unopened=0)
    busy = False
    with _open() as (engine, keyring):
        for brand_id in choose_brands(engine, brand):
            done["brands"] += 1
            try:
                done["rewrapped"] += sealed.rewrap(engine, keyring, brand_id)
                if data_keys:
                    again = sealed.replace_data_key(engine, keyring, brand_id)
                    done["resealed"] += again.values
                    done["undecryptable"] += again.undecryptable
            except Unsealable:
                done["unopened"] += 1
            except sealed.StillBusy:
                busy = True
                break
        else:
            # Whoever began before may still hold a brand's key as it was wrapped before.
            sealed.wait_for_older_transactions(engine)
        _print({"master_key": keyring.current, **done}, as_json)
    _warn_of_values()
    if busy:
        typer.echo("A transaction has been open for a quarter of an hour; run this again when it has ended.", err=True)
    if busy or done["unopened"] or done["undecryptable"]:
        raise typer.Exit(1)


def _warn_of_values() -> None:
    """Say so where the variable holds the keys themselves: nobody reads a file then, and nobody sees a change."""
    from app.settings import get_settings

    given = get_settings().master_keys
    if given is not None and not given.get_secret_value().startswith("file:"):
        typer.echo(
            "NOREN_MASTER_KEYS holds the keys themselves, not file:/path: processes that run know the keys with which"
            " they started until they are restarted.",
            err=True,
        )


@keys.command("check")
def check(as_json: AsJson = False) -> None:
    """Open every sealed value of every brand, and say which master keys are still needed; exit code 1 if one does not
    open."""
    from app.admin import sealed

    needed: Counter[str] = Counter()
    values: Counter[str] = Counter()
    undecryptable: Counter[str] = Counter()
    unopened = brands = between = 0
    with _open() as (engine, keyring):
        for brand_id in choose_brands(engine, None):
            found = sealed.check_brand(engine, keyring, brand_id)
            if found is None:
                continue
            brands += 1
            needed[found.master_key_id] += 1
            unopened += not found.opened
            between += found.data_keys > 1
            values.update(found.values)
            undecryptable.update(found.undecryptable)
        configured = keyring.ids
    about: dict[str, Any] = {
        "brands": brands,
        "master_keys": {name: needed[name] for name in dict.fromkeys((*configured, *sorted(needed)))},
        "removable": [name for name in configured[1:] if not needed[name]],
        "missing": sorted(set(needed) - set(configured)),
        "unopened_brands": unopened,
        "brands_with_several_data_keys": between,
        "values": dict(values),
        "undecryptable": {name: count for name, count in undecryptable.items() if count},
    }
    _print(about, as_json)
    if unopened or undecryptable.total():
        raise typer.Exit(1)


@contextmanager
def _open() -> Iterator[tuple["Engine", Keyring]]:
    """The database and the master keys of the settings."""
    import migrations.models  # noqa: F401 - to write rows, every table that they refer to must be known
    from app.database import database_urls, make_engine
    from app.keys import KeysMissing, load_keyring
    from app.settings import get_settings

    settings = get_settings()
    try:
        keyring = load_keyring(settings)
    except (KeysMissing, ValueError) as error:
        raise typer.BadParameter(str(error), param_hint="NOREN_MASTER_KEYS") from error
    engine = make_engine(database_urls(settings).app, pool_size=2)
    try:
        yield engine, keyring
    finally:
        engine.dispose()


def _print(about: dict[str, Any], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(about, ensure_ascii=False))
        return
    for name, value in about.items():
        typer.echo(f"{name.replace('_', ' ')}: {_write(value)}")


def _write(value: Any) -> str:
    if isinstance(value, dict):
        value = [f"{key} {count}" for key, count in value.items()]
    return (", ".join(value) or "none") if isinstance(value, list) else str(value)
