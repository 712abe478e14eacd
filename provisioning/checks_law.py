"""May the radio of a node send as it is set?"""

from collections.abc import Iterator
from pathlib import Path

from drivers.errors import DriverConfigError
from drivers.radios.opening import check_law
from drivers.radios.site import RadioSettings
from provisioning.findings import Finding, Text, bad, good


def check_radio_law(radio: RadioSettings | None, folder: Path) -> Iterator[Finding]:
    """Nothing without a radio; `folder` is where its settings lie."""
    if radio is None:
        return
    try:
        band = check_law(radio, folder)
    except DriverConfigError as error:
        yield bad(
            Text(f"电台不能这样使用：{error}", f"The radio cannot be used as it is set: {error}"),
            Text("改正 [radio] 里的设置", "Correct the settings in [radio]"),
        )
        return
    yield good(f"电台的设置符合 {band} 的规定", f"The radio is set within the law of {band}")
