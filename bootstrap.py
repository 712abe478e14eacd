"""Sets this checkout up with nothing but Python's own library: `.venv` with Muster in it, and the
Debian packages that pip cannot give. Run it through `make setup` or `make test`.

A second run that finds everything in place does nothing.
"""

import argparse
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
STAMP = VENV / "installed"
OLDEST_PYTHON = (3, 11)

RUN_TOOLS = {"mosquitto": "mosquitto"}
TEST_TOOLS = {
    "chromium": "chromium",
    "chronyd": "chrony",
    "faketime": "faketime",
    "fusermount3": "fuse3",
    "gcc": "gcc",
    "gpsd": "gpsd",
    "gpsfake": "gpsd-clients",
    "pcscd": "pcscd",
}
"""Program -> Debian package."""
TEST_FILES = {
    Path("/usr/share/fonts/opentype/noto"): "fonts-noto-cjk",
    Path("/usr/lib/pcsc/drivers/serial/libifdvpcd.so"): "vsmartcard-vpcd",
    # pyscard is built on the spot
    Path("/usr/include/PCSC/winscard.h"): "libpcsclite-dev",
    Path("/usr/include/stdio.h"): "libc6-dev",
    Path(sysconfig.get_path("include")) / "Python.h": "python3-dev",
}
"""File or folder -> Debian package, for what has no program."""
EXTRAS = ["gateway", "display", "pigpio"]
EXTRA_PATH = os.pathsep.join(("/usr/sbin", "/usr/local/sbin"))  # not on every user's PATH


def main() -> None:
    """Install what is missing, or say what to do about it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tests", action="store_true", help="also what the tests need")
    tests: bool = parser.parse_args().tests
    if sys.version_info < OLDEST_PYTHON:
        sys.exit("Muster needs Python 3.11 or newer; this is " + sys.version.split()[0])
    install_debian_packages(missing_packages(tests=tests))
    install_python_packages([*EXTRAS, "dev"] if tests else EXTRAS)


def missing_packages(*, tests: bool) -> list[str]:
    """Debian packages whose programs or files are not on this machine."""
    path = os.pathsep.join((os.environ.get("PATH", ""), EXTRA_PATH))
    tools = RUN_TOOLS | (TEST_TOOLS if tests else {})
    missing = [package for tool, package in tools.items() if shutil.which(tool, path=path) is None]
    if tests and sys.platform == "linux":
        missing += [package for file, package in TEST_FILES.items() if not file.exists()]
    if importlib.util.find_spec("ensurepip") is None and shutil.which("uv") is None:
        missing.append("python3-venv")
    return missing


def install_debian_packages(packages: list[str]) -> None:
    """Install with apt as root or through sudo; elsewhere name the packages and stop."""
    if not packages:
        return
    names = " ".join(packages)
    if shutil.which("apt-get") is None:
        sys.exit(f"please install with this system's package manager: {names}")
    as_root = [] if os.geteuid() == 0 else ["sudo"]
    if as_root and shutil.which("sudo") is None:
        sys.exit(f"please run as root: apt-get install {names}")
    print(f"installing Debian packages: {names}", flush=True)
    apt = [*as_root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"]
    run(*apt, "update")
    run(*apt, "install", "-y", "--no-install-recommends", *packages)


def run(*command: str | Path) -> None:
    """Run a command; raises `CalledProcessError`."""
    subprocess.run(command, check=True)


def install_python_packages(extras: list[str]) -> None:
    """Make `.venv` and install this checkout into it, editable."""
    wanted = hashlib.sha256((ROOT / "pyproject.toml").read_bytes()).hexdigest()
    installed = STAMP.read_text().split() if STAMP.exists() else []
    if installed[:1] == [wanted] and set(extras) <= set(installed[1:]):
        return
    target = f"{ROOT}[{','.join(extras)}]"
    print("setting up .venv", flush=True)
    uv = shutil.which("uv")
    if uv is not None:
        run(uv, "venv", "-q", "--allow-existing", VENV)
        run(uv, "pip", "install", "-q", "-p", VENV, "-e", target)
    else:
        if not (VENV / "bin" / "pip").exists():
            run(sys.executable, "-m", "venv", VENV)
        pip = VENV / "bin" / "pip"
        run(pip, "--disable-pip-version-check", "install", "-q", "-e", target)
    STAMP.write_text(" ".join([wanted, *extras]))


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.exit(f"set-up stopped: {error.cmd[0]} failed with code {error.returncode}")
