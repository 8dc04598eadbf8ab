"""`python -m tests.fuzz`: the poison corpus and Schemathesis against a running service; what `make fuzz` calls."""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from app.database import create_roles, embedded_postgres, migrate, stop_embedded
from tenants.sealing import Keyring
from tests.commit import read_commit
from tests.conftest import MASTER_KEYS, _urls, new_home
from tests.fuzz.poison import Findings, all_of_it, poison, read_back, sample
from tests.fuzz.wire import Wire
from tests.fuzz.world import Operation, World, build, every_operation, operations
from tests.running import run_sandbox
from tests.serving import ROOT, Installation, Served, open_installation

LOG = ROOT / ".fuzz"
SAMPLE_OPERATIONS = 10
SAMPLE_SECONDS = 40


def main() -> int:
    """Run what is asked for; 0 when nothing was found."""
    asked = _read_arguments()
    LOG.mkdir(exist_ok=True)
    commit = read_commit()
    began = time.monotonic()
    with _postgres(), _installation() as installation:
        served = installation.serve()
        home = new_home(installation.engine, Keyring.parse(MASTER_KEYS))
        with httpx.Client(
            base_url=served.url, transport=Wire("127.0.0.1", int(served.url.rpartition(":")[2]))
        ) as client:
            world = build(client, home)
            say(f"The brand has {len(world.ids)} kinds of things. Commit {commit[:12]}.")
            failed = False
            if not asked.no_poison:
                failed = _send_poison(world, asked, share=0.003 if asked.sample else asked.share, seed=commit)
        if not asked.no_schemathesis:
            failed |= _run_schemathesis(served, installation, str(home.scope.brand_id), commit, asked)
    say(f"{'FAILED' if failed else 'Nothing was found'} in {time.monotonic() - began:.0f} s. All of it is in {LOG}.")
    return int(failed)


def _read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--sample", action="store_true", help="what a commit gets: some operations, under 90 seconds")
    parser.add_argument("--examples", type=int, default=1_000, help="examples for each operation")
    parser.add_argument("--share", type=float, default=1.0, help="how much of the poison, from 0 to 1")
    parser.add_argument("--only", default="", help="operations whose name holds one of these: `coupon,redemption`")
    parser.add_argument("--part", default="1/1", help="a share of the operations, such as 3/8: all of it takes hours")
    parser.add_argument("--phases", default="examples,coverage,fuzzing,stateful")
    parser.add_argument("--no-poison", action="store_true")
    parser.add_argument("--no-schemathesis", action="store_true")
    return parser.parse_args()


def say(words: str) -> None:
    """A line on the terminal, at once."""
    print(f"{time.strftime('%H:%M:%S')} {words}", flush=True)


@contextmanager
def _postgres() -> Iterator[None]:
    """A server of its own with a migrated template, as the tests have."""
    with tempfile.TemporaryDirectory(prefix="noren-fuzz-") as name:
        folder = Path(name)
        admin = embedded_postgres(folder)
        try:
            create_roles(admin, "noren_template", {})
            migrate(_urls("noren_template", admin).owner)
            os.environ["NOREN_TEST_ADMIN_URL"] = admin
            yield
        finally:
            stop_embedded(folder)


@contextmanager
def _installation() -> Iterator[Installation]:
    with run_sandbox() as sandbox, tempfile.TemporaryDirectory(prefix="noren-fuzz-") as name:
        sandbox.call("POST", "/world", {"channels": [_example_channel()]})
        environment = {
            "NOREN_MASTER_KEYS": MASTER_KEYS,
            "NOREN_LINE_API_URL": sandbox.url,
            "NOREN_LINE_DATA_URL": sandbox.url,
            "NOREN_UNKNOWN_CODE_LIMIT": "1000000000",
        }
        with open_installation("noren_fuzz", Path(name), **environment) as installation:
            yield installation


def _example_channel() -> dict[str, str]:
    """The channel of the document's example, so that LINE knows the account that is registered by it."""
    example = next(one.body["example"] for one in operations() if one.name == "register_line_account" and one.body)
    return {name: example[name] for name in ("channel_id", "channel_secret", "provider_id")}


def _choose(operations: Iterable[Operation], asked: argparse.Namespace) -> list[Operation]:
    number, parts = (int(text) for text in asked.part.split("/"))
    wanted = asked.only.split(",")
    return [one for one in operations if any(name in one.name for name in wanted)][number - 1 :: parts]


def _send_poison(world: World, asked: argparse.Namespace, *, share: float, seed: str) -> bool:
    findings = Findings()
    chosen = _choose(every_operation(), asked)
    for number, operation in enumerate(chosen, 1):
        poison(world, (operation,), findings, all_of_it if share >= 1 else sample(share, seed))
        if share >= 0.1 or number % 40 == 0:
            say(f"poison {number}/{len(chosen)} {operation.name}: {findings.sent} sent, {len(findings.wrong)} wrong")
    read_back(world, findings)
    with open(LOG / "poison.log", "w") as log:
        log.writelines(f"{label}: {verdict}\n" for label, verdict in findings.wrong.items())
    statuses = ", ".join(f"{status} × {count}" for status, count in sorted(findings.statuses.items()))
    say(f"Poison: {findings.sent} requests, {len(findings.wrong)} wrong answers ({statuses}).")
    for label, verdict in list(findings.wrong.items())[:20]:
        say(f"  {label}: {verdict}")
    return bool(findings.wrong)


def _run_schemathesis(
    served: Served, installation: Installation, brand_id: str, commit: str, asked: argparse.Namespace
) -> bool:
    chosen = [one.name for one in _choose(operations(), asked)]
    seed = int(commit[:8] or "0", 16)
    command = [
        sys.executable,
        "-m",
        "schemathesis.cli",
        "--config-file",
        str(ROOT / "tests/fuzz/schemathesis.toml"),
        "run",
        f"{served.url}/openapi.json",
        "--checks=all",
        f"--phases={asked.phases}",
        f"--max-examples={asked.examples}",
        f"--seed={seed}",
        "--report=ndjson,junit",
        f"--report-dir={LOG}",
    ]
    if asked.sample:
        chosen = random.Random(seed).sample(chosen, min(SAMPLE_OPERATIONS, len(chosen)))
        command.append(f"--max-time={SAMPLE_SECONDS}")
        say(f"Schemathesis on {', '.join(chosen)}")
    if asked.sample or asked.only or asked.part != "1/1":
        command += [f"--include-operation-id={name}" for name in chosen]
    else:
        command.append("--include-path-regex=^/v1/")
    environment = {
        **os.environ,
        "SCHEMATHESIS_HOOKS": "tests.fuzz.hooks",
        "NOREN_FUZZ_DATABASE_URL": installation.urls.app,
        "NOREN_FUZZ_BRAND": brand_id,
        "PYTHONPATH": str(ROOT),
    }
    with open(LOG / "schemathesis.log", "w") as log:
        running = subprocess.Popen(  # noqa: S603 - our own command
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert running.stdout is not None
        for line in running.stdout:
            log.write(line)
            log.flush()
            print(line, end="", flush=True)
    return running.wait() != 0


if __name__ == "__main__":
    sys.exit(main())
