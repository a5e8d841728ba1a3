"""Python runs this at its start: a clock an hour behind, that jumps to an hour ahead and back again."""
import time

_true = time.time
_HOUR = 3600


def _wrong():
    return _true() + (_HOUR if int(time.monotonic() * 2) % 2 else -_HOUR)


time.time = _wrong
