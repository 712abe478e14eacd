"""Names as everybody may see them."""


def mask_name(name: str) -> str:
    """`王小伟` -> `王*伟`, `周杰` -> `周*`, `Anna` -> `A*a`: first and last character stay."""
    if len(name) <= 1:
        return "*"
    if len(name) == 2:
        return f"{name[0]}*"
    return f"{name[0]}*{name[-1]}"
