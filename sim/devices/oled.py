"""Simulated 128 x 64 OLED on an I2C bus: SSD1306, or SH1106 with its two columns out of sight.

Written from hw/panel.md 5. Modelled: memory, page and horizontal addressing, on and off, contrast.
Not modelled: scrolling, inversion, mirroring (the module is mounted so that it comes out right),
the voltage pump. An unknown command is an error: nobody would see it on a real one.
"""

import errno
import os
from collections.abc import Iterator

WIDTH, PAGES = 128, 8
SH1106_WIDTH, SH1106_OFFSET = 132, 2
_COMMANDS, _DATA = 0x00, 0x40
_ONE_BYTE_FOLLOWS = {0x81, 0x20, 0xA8, 0xD3, 0xD5, 0xD9, 0xDA, 0xDB, 0x8D}
_TWO_BYTES_FOLLOW = {0x21, 0x22}
_WITHOUT_EFFECT = {0xA0, 0xA1, 0xA4, 0xA6, 0xC0, 0xC8, 0xE3, *range(0x40, 0x80)}
HORIZONTAL = 0x00


class SimOled:
    """The module at `address`; the method is that of `smbus2.SMBus`."""

    def __init__(self, address: int = 0x3C, *, is_sh1106: bool = False) -> None:
        self._address, self._is_sh1106 = address, is_sh1106
        self._width = SH1106_WIDTH if is_sh1106 else WIDTH
        self._memory = bytearray(self._width * PAGES)
        self._page = self._column = 0
        self._columns, self._pages = (0, self._width - 1), (0, PAGES - 1)
        self._mode = 0x02  # page addressing, after power-on
        self.is_plugged = True
        self.is_on = False
        self.contrast = 0x7F
        self.is_closed = False

    def pixels(self) -> bytes:
        """What is lit: a byte per dot, row by row, 1 or 0."""
        left = SH1106_OFFSET if self._is_sh1106 else 0
        return bytes(
            int(self.is_on) & self._memory[y // 8 * self._width + left + x] >> y % 8
            for y in range(PAGES * 8)
            for x in range(WIDTH)
        )

    def write_i2c_block_data(self, i2c_addr: int, register: int, data: list[int]) -> None:
        """A control byte, and commands or data behind it."""
        if not self.is_plugged or i2c_addr != self._address:
            raise OSError(errno.EREMOTEIO, os.strerror(errno.EREMOTEIO))
        if register == _DATA:
            for value in data:
                self._store(value)
        elif register == _COMMANDS:
            words = iter(data)
            for command in words:
                self._obey(command, words)
        else:
            raise ValueError(f"control byte {register:#x}")

    def close(self) -> None:
        """Free the bus."""
        self.is_closed = True

    def _obey(self, command: int, words: Iterator[int]) -> None:
        if command in _TWO_BYTES_FOLLOW and not self._is_sh1106:
            first, last = next(words), next(words)
            if command == 0x21:
                self._columns, self._column = (first, last), first
            else:
                self._pages, self._page = (first, last), first
        elif command in _ONE_BYTE_FOLLOWS:
            value = next(words)
            if command == 0x81:
                self.contrast = value
            elif command == 0x20:
                self._mode = value
        elif command in {0xAE, 0xAF}:
            self.is_on = command == 0xAF
        elif 0xB0 <= command < 0xB0 + PAGES:
            self._page = command & 0x07
        elif command < 0x10:
            self._column = self._column & 0xF0 | command
        elif command < 0x20:
            self._column = self._column & 0x0F | (command & 0x0F) << 4
        elif command not in _WITHOUT_EFFECT:
            raise ValueError(f"command {command:#x}")

    def _store(self, value: int) -> None:
        if self._column < self._width:
            self._memory[self._page * self._width + self._column] = value
        self._column += 1
        if self._mode == HORIZONTAL and not self._is_sh1106 and self._column > self._columns[1]:
            self._column = self._columns[0]
            self._page = self._pages[0] if self._page == self._pages[1] else self._page + 1
