"""P2: personal pushes by one worker, beside a bare loop that posts the same bytes to the same sandbox."""

from uuid import uuid4

import orjson

from app.bench import campaigns
from app.bench.brand import BenchBrand, forget_sends, seed_brand, seed_people, tell_sandbox
from app.bench.clock import Stopwatch
from app.bench.place import Place, open_place
from app.bench.results import Bar, Line, Result, Size
from app.bench.sender import Send, send_bare
from app.messaging.render import read_template

ACCOUNTS = 8
ROUNDS = 3
IN_FLIGHT = 256
"""As many connections as the worker opens."""
PEOPLE = {Size.CI: 6_000, Size.FULL: 50_000}
"""In one round; the rounds of both sides take turns."""
MESSAGES = (
    {
        "type": "text",
        "text": "{{ customer.name }}さん、雨の日もあたたかいお店でお待ちしています。\nクーポン {{ coupon.code }}",
    },
)


def run(size: Size) -> Result:
    """Measure, then hold both ledgers against each other."""
    people = PEOPLE[size]
    with open_place() as place, place.processes() as processes:
        brand = seed_brand(place, accounts=ACCOUNTS)
        seed_people(place, brand, people)
        place.start_sandbox(processes)
        tell_sandbox(place, brand)
        watch = Stopwatch(
            place, worker=campaigns.start_worker(place, processes), sandbox=processes.running["sandbox"].pid
        )
        ledgers = campaigns.Ledgers()
        bare_seconds = bare_cpu_seconds = 0.0
        for _ in range(ROUNDS):
            launched = campaigns.launch(
                place, brand, campaigns.draft(place, brand, MESSAGES, with_coupon=True), paused=True
            )
            # The copies' events are another work of the worker's, and done before this one is measured.
            campaigns.wait_projected(place)
            sends = _bare_sends(place, brand, launched)
            forget_sends(place)
            with watch:
                campaigns.resume(place, brand, launched.campaign_id)
                campaigns.wait_finished(place, launched.run_id)
            ledgers.add(place, brand, launched.run_id, people)
            forget_sends(place)
            bare = send_bare(place, sends, in_flight=IN_FLIGHT)
            bare_seconds += bare.seconds
            bare_cpu_seconds += bare.cpu_seconds
    total = people * ROUNDS
    figure, reference = total / watch.seconds, total / bare_seconds
    return Result(
        id="P2",
        title="Personal pushes",
        lines=(
            Line(work="pushes sent and settled", figure=figure, unit="/s", reference=reference, bar=Bar(at_least=0.5)),
            Line(work="the same, by LINE's limit of a channel", figure=figure, unit="/s", bar=Bar(at_least=2000)),
            Line(
                work="pushes in a second of the worker's CPU",
                figure=total / watch.cpu_seconds["worker"],
                unit="",
                reference=total / bare_cpu_seconds,
            ),
            *ledgers.lines(),
        ),
        cpu_seconds={**watch.cpu_seconds, "bare loop": bare_cpu_seconds},
        notes=(
            "Reference: a bare aiohttp loop with the same bytes, as many connections and the same sandbox.",
            f"One worker process, {ACCOUNTS} accounts, {ROUNDS} rounds of {people:,} people, each with name and code.",
        ),
    )


def _bare_sends(place: Place, brand: BenchBrand, launched: campaigns.Launched) -> list[Send]:
    """The calls that the worker makes, under keys of their own."""
    template = read_template(MESSAGES)
    sends = []
    for one in campaigns.list_recipients(place, brand, launched.run_id):
        messages = template.render({"customer.name": one["name"], "coupon.code": one["code"]}).decode()
        body = f'{{"to":{orjson.dumps(one["line_user_id"]).decode()},"messages":{messages}}}'
        sends.append(Send("/v2/bot/message/push", f"bench-{one['channel_id']}", str(uuid4()), body))
    # By turns over the accounts, as lanes do.
    return [
        one
        for turn in zip(
            *(sends[n * (len(sends) // ACCOUNTS) : (n + 1) * (len(sends) // ACCOUNTS)] for n in range(ACCOUNTS)),
            strict=False,
        )
        for one in turn
    ]
