"""Sizes and counts both ends agree on, each with its reason."""

MAX_RECORDS_PER_ENVELOPE = 500  # 193 k records/s were measured at 500; beyond it latency only grows
MAX_MESSAGE_BYTES = 262_144  # broker's max_packet_size; 500 records of 160 bytes are 80 kB
MAX_IN_FLIGHT = 20  # mosquitto's max_inflight_messages; paho slows down above it
MAX_NAME_CHARS = 32  # node, county and point names: one topic level, one certificate name
MAX_TEXT_CHARS = 80  # a name, unit, post or title; a screen shows no more
MAX_POINTS = 256  # assembly points of one county; every roster part names them all
MAX_RECIPIENTS = 8  # gateways one record key is wrapped to
MAX_SEALED_BYTES = 4096  # one sealed record; a check-in has about 90
MAX_RANGES = 1000  # ranges in one receipt, 19 bytes each; what lies beyond is receipted later
MAX_COUNT = 2**53 - 1  # any program's JSON keeps it exactly, and SQLite's integer holds it
MAX_MS = 2**47 - 1  # the year 6429: no calendar overflows on it
DIGEST_BYTES = 16  # 128 bits of a keyed hash: no collision in any county's roster
KEY_ID_BYTES = 8  # names a public key; collisions would only cost a failed open
RAW_KEY_BYTES = 32  # every key of suite 1: Ed25519, X25519, AES-256, HMAC-SHA256
MESSAGE_DIGEST_BYTES = 32  # SHA-256 of a refused message
ROSTER_PART_BYTES = 65_536  # of people: about 700; with all points still below MAX_MESSAGE_BYTES
MAX_ROSTER_PARTS = 1000  # about 700 000 people
MAX_OTHER_CREDENTIALS = 4  # of one person: a tag, a code, and their successors
BADGE_ID_BYTES = 5  # 40 random bits: eight characters to read out; a county has thousands of badges
MAX_BADGE_ISSUERS = 8  # keys whose badges a node accepts: the county's, and those before it
MAX_REVOKED_BADGES = 20_000  # 7 bytes each: 140 kB, one message
