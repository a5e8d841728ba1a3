"""Signs that a run goes wrong; the same thresholds as the owner's own watch over the metrics."""
import math
from collections import deque

from trainer_base import Failure, metric, say

POINTS, FACTOR, LEAST_RISE = 5, 2, 0.1
NORM_LIMIT, NORM_FACTOR, NORM_POINTS, NORM_LEAST = 10, 5, 10, 5
QUIET_STEPS = 50   # one warning in so many


class Divergence:
    """`policy`: WARN says it, STOP ends the run, CONTINUE does nothing."""

    def __init__(self, policy, precision):
        # fp16 begins with overflows that its scaler skips: there a norm that is no number means nothing.
        self._policy, self._scaled = policy, precision == "fp16"
        self._losses, self._norms, self._told = deque(maxlen=POINTS), deque(maxlen=NORM_POINTS), None

    def look(self, step, loss, norm):
        sign = self._sign(loss, norm)
        if math.isfinite(loss):
            self._losses.append(loss)
        if norm is not None and math.isfinite(norm):
            self._norms.append(norm)
        if sign is None or self._policy == "CONTINUE":
            return
        text = "The run diverges at step %d: %s. Lower the learning rate." % (step, sign)
        if self._policy == "STOP":
            raise Failure("TRAINING_DIVERGED", text)
        if self._told is None or step - self._told >= QUIET_STEPS:
            self._told = step
            say(text)
            metric("warning", step=step, message=text)

    def _sign(self, loss, norm):
        if not math.isfinite(loss):
            return "the loss is not a number"
        if len(self._losses) == POINTS and loss >= FACTOR * self._losses[0] and loss - self._losses[0] >= LEAST_RISE:
            return "the loss rose from %.3g to %.3g within %d points" % (self._losses[0], loss, POINTS)
        if norm is None:
            return None
        if not math.isfinite(norm):
            return None if self._scaled else "the gradient norm is not a number"
        if norm > NORM_LIMIT:
            return "the gradient norm is %.3g, above %d" % (norm, NORM_LIMIT)
        if len(self._norms) >= NORM_LEAST and norm > NORM_FACTOR * sum(self._norms) / len(self._norms):
            return "the gradient norm is %.3g, %d times its average" % (norm, NORM_FACTOR)
        return None
