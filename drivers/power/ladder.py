"""What a falling battery asks for, step by step; pure (hw/power.md 5)."""

from enum import IntEnum

from drivers.power.gauge import Charge

WARN_PERCENT, SAVE_PERCENT, OFF_PERCENT = 20.0, 10.0, 5.0
RISE_PERCENT = 3.0  # how far above its threshold the charge must be before a step is taken back
CONFIRMED_BY = 3  # readings in a row: one absurd reading must not switch a terminal off


class Step(IntEnum):
    """How much must be saved; each step includes those before it."""

    NORMAL = 0
    WARN = 1  # tell the staff; ask devices less often
    SAVE = 2  # leave out what a check-in does not need, such as extra radio traffic
    OFF = 3  # write everything down and switch off, while there is power to do it properly


_BELOW = ((Step.OFF, OFF_PERCENT), (Step.SAVE, SAVE_PERCENT), (Step.WARN, WARN_PERCENT))


class Ladder:
    """Takes every reading, keeps the step.

    On mains nothing needs saving, however empty the battery: a terminal that comes back with the
    power must not switch itself off again. When nobody knows about mains, OFF waits until the
    charge has been seen to fall by itself.
    """

    def __init__(self) -> None:
        self.step = Step.NORMAL
        self._highest_percent = 0.0
        self._pending = Step.NORMAL
        self._seen = 0

    def take(self, charge: Charge) -> Step:
        """The step after this reading."""
        self._highest_percent = max(self._highest_percent, charge.percent)
        asked = self._asked(charge)
        if asked <= self.step:  # going back needs no confirmation
            self.step, self._seen = asked, 0
            return asked
        self._seen = self._seen + 1 if asked == self._pending else 1
        self._pending = asked
        if self._seen >= CONFIRMED_BY:
            self.step, self._seen = asked, 0
        return self.step

    def _asked(self, charge: Charge) -> Step:
        if charge.is_on_mains:
            return Step.NORMAL
        for step, threshold in _BELOW:
            margin = RISE_PERCENT if step <= self.step else 0.0
            if charge.percent < threshold + margin and self._allows(step, charge):
                return step
        return Step.NORMAL

    def _allows(self, step: Step, charge: Charge) -> bool:
        if step is not Step.OFF or charge.is_on_mains is False:
            return True
        return charge.percent <= self._highest_percent - 1.0
