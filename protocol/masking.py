"""Names and numbers as everybody may see them."""

_SHOWN = 4  # characters of a number


def mask_name(name: str) -> str:
    """`王小伟` -> `王*伟`, `周杰` -> `周*`, `Anna` -> `A*a`: first and last character stay."""
    if len(name) <= 1:
        return "*"
    if len(name) == 2:
        return f"{name[0]}*"
    return f"{name[0]}*{name[-1]}"


def mask_number(number: str) -> str:
    """`11010519491231002X` -> `…002X`: the last four characters stay, if they are under half."""
    shown = number[-_SHOWN:] if len(number) > 2 * _SHOWN else ""
    return f"…{shown}"
