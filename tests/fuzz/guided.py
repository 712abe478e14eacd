"""One framer fuzzed by what its code does with the input: `python -m tests.fuzz.guided KIND ...`.

Arguments after the kind are libFuzzer's: -runs=N, -max_total_time=SECONDS, -seed=N. What breaks a
framer is written to a file crash-... and can be given as an argument to see it again.
"""

import sys
from random import Random

import atheris

with atheris.instrument_imports(include=["drivers"]):
    from tests.fuzz.check import feed_all, must_resynchronise
    from tests.fuzz.framers import ROWS


def main() -> None:
    """Fuzz until libFuzzer has enough; it ends the process."""
    kind, *arguments = sys.argv[1:]
    row = ROWS[kind]

    def one_input(data: bytes) -> None:
        random, framer = Random(len(data)), row.make()
        feed_all(row, framer, data, random)
        must_resynchronise(row, framer, random)

    atheris.Setup([sys.argv[0], *arguments], one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
