"""Compile the hashed lock under requirements/ with uv: ``python scripts/lock.py [--upgrade]``.

Wheels only, for every platform, Python 3.11 and later, without the address of any registry.
Versions that are locked already stay as they are unless ``--upgrade`` is given.
"""

from __future__ import annotations

import argparse
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDER = "requirements"
SHARED = (
    "--universal",
    "--python-version=3.11",
    "--generate-hashes",
    "--only-binary=:all:",
    "--emit-build-options",
    "--no-emit-index-url",
    "--no-emit-find-links",
    "--custom-compile-command=python scripts/lock.py",
    "--quiet",
)
# Name of the lock, its inputs, and the locks whose versions it must agree with.
LOCKS: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("run", ("pyproject.toml",), ()),
    ("build", (f"{FOLDER}/build.in",), ("run",)),
    (
        "test",
        ("pyproject.toml", "--extra=test", "--extra=cluster", "--extra=geocode"),
        ("run", "build"),
    ),
    ("lowest", ("pyproject.toml", "--extra=test", "--resolution=lowest-direct"), ("build",)),
)


def main() -> None:
    """Compile every lock in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--uv", default="uv", help="the uv to use")
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions")
    given = parser.parse_args()
    for name, inputs, agree in LOCKS:
        constraints = [f"--constraints={FOLDER}/{other}.txt" for other in agree]
        upgrade = ["--upgrade"] if given.upgrade else []
        output = f"--output-file={FOLDER}/{name}.txt"
        if name == "lowest":  # versions of before would hide a bound that was lowered
            (ROOT / FOLDER / f"{name}.txt").unlink(missing_ok=True)
        command = [given.uv, "pip", "compile", *SHARED, *upgrade, *constraints, output, *inputs]
        subprocess.run(command, cwd=ROOT, check=True)
        print(f"{FOLDER}/{name}.txt")


if __name__ == "__main__":
    main()
