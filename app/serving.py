"""Granian as `noren serve` runs it."""


def serve(application: str, host: str, port: int, processes: int = 1) -> None:
    """Serve an application factory, named as `module:function`, until a signal comes."""
    from granian import Granian
    from granian.constants import Interfaces, Loops

    Granian(
        application,
        factory=True,
        address=host,
        port=port,
        workers=processes,
        interface=Interfaces.ASGI,
        loop=Loops.uvloop,
        backlog=4096,
        backpressure=4096,  # connections a process serves: beyond them a caller waits until another hangs up
        log_access=False,
        log_level="warning",  # type: ignore[arg-type]
        workers_kill_timeout=8,
    ).serve()
