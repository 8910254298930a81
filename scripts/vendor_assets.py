"""Fetch the pinned npm packages that the map carries, and check every hash.

    python scripts/vendor_assets.py            fetch with ``npm pack`` and write the files
    python scripts/vendor_assets.py --check    only compare the files that are there

Versions and sha256 stand in ``outputs/assets/vendor/manifest.toml``. To move to another version,
change it there, empty the hashes, and run with ``--pin``.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
VENDOR = ROOT / "coverage" / "servicecircle" / "outputs" / "assets" / "vendor"


def sha256(data: bytes) -> str:
    """Return the sha256 of some bytes in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def compare(what: str, found: str, pinned: str) -> list[str]:
    """Return a fault when a hash is not the pinned one."""
    return [] if found == pinned else [f"{what}: sha256 is {found}, pinned is {pinned or '(none)'}"]


def check(packages: list[dict[str, Any]]) -> list[str]:
    """Return the faults of the files that are there."""
    faults = []
    for package in packages:
        for file in package["files"]:
            path = VENDOR / file["to"]
            found = sha256(path.read_bytes()) if path.is_file() else "missing"
            faults += compare(file["to"], found, file["sha256"])
    return faults


def fetch(package: dict[str, Any], *, pin: bool) -> list[str]:
    """Fetch one package with npm, check it and write its files; return the faults."""
    name = f"{package['name']}@{package['version']}"
    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "pack", "--silent", "--pack-destination", folder, name]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        (archive,) = Path(folder).glob("*.tgz")
        found = sha256(archive.read_bytes())
        faults = compare(name, found, package["sha256"])
        if faults and not pin:
            return faults
        files = {}
        with tarfile.open(archive) as tar:
            for file in package["files"]:
                member = tar.extractfile(file["from"])
                if member is None:
                    faults.append(f"{name}: holds no {file['from']}")
                    continue
                files[file["to"]] = data = member.read()
                faults += compare(file["to"], sha256(data), file["sha256"])
    if not faults or pin:
        for to, data in files.items():
            path = VENDOR / to
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    return faults


def main() -> int:
    """Fetch or check all packages; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare, fetch nothing")
    parser.add_argument("--pin", action="store_true", help="write the files and print new hashes")
    given = parser.parse_args()
    packages = tomllib.loads((VENDOR / "manifest.toml").read_text(encoding="utf-8"))["package"]
    faults = (
        check(packages)
        if given.check
        else [fault for package in packages for fault in fetch(package, pin=given.pin)]
    )
    sys.stdout.write("\n".join(faults or ["all files are as pinned"]) + "\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
