"""Garbage collection for processes that live long and answer fast."""

import gc


def settle_memory() -> None:
    """Stop looking for garbage among what is loaded by now, and look for new garbage less often.

    What is loaded lives as long as the process. Unfrozen, a full collection walked through it and held all calls up for
    70 ms; frozen, for 2 ms. Both together made a push a third cheaper.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)
