"""What both ends of a link must agree on. Pure: no I/O, no clock, no logging, no asyncio."""
