"""Sizes and counts both ends agree on, each with its reason."""

MAX_RECORDS_PER_ENVELOPE = 500  # 193 k records/s were measured at 500; beyond it latency only grows
MAX_MESSAGE_BYTES = 262_144  # broker's max_packet_size; 500 records of 160 bytes are 80 kB
MAX_IN_FLIGHT = 20  # mosquitto's max_inflight_messages; paho slows down above it
MAX_NAME_CHARS = 32  # node, county and point names: one topic level, one certificate name
DIGEST_BYTES = 16  # 128 bits of a keyed hash: no collision in any county's roster
KEY_ID_BYTES = 8  # names a public key; collisions would only cost a failed open
PEOPLE_PER_ROSTER_PART = 1000  # about 90 kB sealed: below MAX_MESSAGE_BYTES with long names
