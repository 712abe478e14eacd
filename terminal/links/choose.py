"""Which link carries the records: MQTT, and LoRa when MQTT has been away. Pure.

A link that comes and goes must not make the other start and stop with it, so both changes take a
while. Meanwhile both may send: the gateway stores a record once.
"""

STEP_BACK_S = 30.0  # MQTT has proved that it stays; on the radio a round is over by then


class LinkChoice:
    """Decides by how long MQTT has been away. Times are seconds of the monotonic clock.

    `after_s` is how long MQTT may be away before LoRa takes over. A terminal starts without any.
    """

    def __init__(self, after_s: float, now_s: float) -> None:
        self._after_s = after_s
        self._mqtt_is_up = False
        self._since_s = now_s
        self.uses_lora = False
        """Whether records go by LoRa, as decided last."""

    def mqtt(self, *, is_up: bool, now_s: float) -> None:
        """Whether a gateway can be reached by MQTT now."""
        if is_up != self._mqtt_is_up:
            self._mqtt_is_up, self._since_s = is_up, now_s

    def decide(self, now_s: float) -> bool:
        """Decide anew; returns whether that changed anything."""
        before = self.uses_lora
        lasted_s = now_s - self._since_s
        if self._mqtt_is_up and lasted_s >= STEP_BACK_S:
            self.uses_lora = False
        elif not self._mqtt_is_up and lasted_s >= self._after_s:
            self.uses_lora = True
        return self.uses_lora != before
