"""Are the pins and the small display of a panel there, and free?"""

from typing import Literal

from drivers.device import Look
from drivers.errors import DriverConfigError, DriverError
from drivers.panel.board import Board, board_on, check_model
from drivers.panel.front import Front
from drivers.panel.pins import open_pins
from drivers.port import Closable
from drivers.registry import load
from drivers.supervisor import DeviceState, state_after
from provisioning.findings import Finding, Text, look
from provisioning.looks import DISPLAY, PINS, Fitted, judge_look, wrong_setting

Chip = Literal["ssd1306", "sh1106"]
_OPEN_DISPLAY = "drivers.panel.display:open_oled"  # its packages are an extra


async def look_at_pins(name: str, board: Board, pins: str) -> Finding:
    """Take every pin of the profile `name` for a moment: lights dark, buzzer silent."""
    fitted = Fitted(PINS, name, pins)
    openings: list[bool] = []
    try:
        if pins == "lgpio":
            check_model(name, board)
        header = await open_pins(pins)
        try:
            front = Front(board_on(board, pins), header, lambda _button: None, openings.append)
            front.close()
        finally:
            await header.close()
    except DriverConfigError as error:
        return wrong_setting(error)
    except DriverError as error:
        return judge_look(fitted, Look(state_after(error), str(error)))
    if any(openings):
        return look(
            Text(f"{fitted.name.zh}：机箱开着", f"{fitted.name.en}: the enclosure is open"),
            Text(
                "合上机箱；合上了仍这样，检查防拆回路的接线",
                "Close it; if it is closed, check the wires of the tamper loop",
            ),
        )
    return judge_look(fitted, Look(DeviceState.READY, ""))


async def look_at_display(board: Board, chip: Chip, *, is_optional: bool) -> Finding:
    """Open the small display, blank."""
    if board.display is None:
        return wrong_setting(
            DriverConfigError("the board profile has no port for a display"),
            is_optional=is_optional,
        )
    fitted = Fitted(DISPLAY, chip, board.display.port, is_optional)
    try:
        display: Closable = await load(_OPEN_DISPLAY)(board.display.port, chip)
        await display.close()
    except DriverConfigError as error:
        return wrong_setting(error, is_optional=is_optional)
    except DriverError as error:
        return judge_look(fitted, Look(state_after(error), str(error)))
    return judge_look(fitted, Look(DeviceState.READY, ""))
