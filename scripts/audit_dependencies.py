"""`make audit`: pip-audit over requirements.lock: is a version in it known to be vulnerable?

Exits 1 where one is. Where the question could not be asked, for want of network, it says NOT
AUDITED and exits 0; with --strict it exits 3 then. A package of which the advisory service knows
nothing counts as not audited: pip-audit itself says 'no known vulnerabilities' all the same.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parent.parent
LOCK = REPOSITORY / "requirements.lock"
TOOL = REPOSITORY / ".venv-audit"
"""pip-audit has an environment of its own: Tenggat does not depend on it."""

VERSION = "pip-audit==2.10.1"
LONGEST = 300

GOOD, VULNERABLE, NOT_DONE = 0, 1, 3


def main() -> int:
    """Audit, and say in words what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--strict", action="store_true", help="exit 3 where it could not be done")
    asked = parser.parse_args()
    lines, code = judged(_ask())
    sys.stdout.writelines(f"{line}\n" for line in lines)
    return code if asked.strict or code != NOT_DONE else GOOD


def judged(answer: Any) -> tuple[list[str], int]:
    """What pip-audit's JSON amounts to, or the reason for which there is none: lines, exit code."""
    if not isinstance(answer, dict):
        return [f"NOT AUDITED: {answer}"], NOT_DONE
    packages: Sequence[Any] = answer["dependencies"]
    bad = [each for each in packages if each.get("vulns")]
    skipped = [each for each in packages if "skip_reason" in each]
    lines = [
        f"VULNERABLE: {each['name']} {each['version']}: {flaw['id']}"
        f" ({', '.join(flaw['fix_versions']) or 'no version'} mends it)"
        for each in bad
        for flaw in each["vulns"]
    ]
    if skipped:
        lines.append(
            f"NOT AUDITED: {len(skipped)} of {len(packages)} packages: {skipped[0]['skip_reason']}"
        )
    lines.append(f"{len(packages) - len(skipped)} packages audited, {len(bad)} vulnerable")
    return lines, VULNERABLE if bad else NOT_DONE if skipped else GOOD


def _ask() -> Any:
    """pip-audit's answer, or why there is none."""
    python = TOOL / "bin" / "python"
    try:
        if not python.exists():
            venv.create(TOOL, with_pip=True)
        _run(str(python), "-m", "pip", "install", "--quiet", VERSION)
        asked = ("--requirement", str(LOCK), "--no-deps", "--disable-pip", "--format", "json")
        quiet = ("--progress-spinner", "off")
        return json.loads(_run(str(python), "-m", "pip_audit", *asked, *quiet, allowed=(0, 1)))
    except subprocess.CalledProcessError as error:
        said = [line for line in str(error.stderr).splitlines() if line.strip()]
        return said[-1] if said else f"pip-audit ended with {error.returncode}"
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        return f"pip-audit gave no answer ({type(error).__name__})"


def _run(*command: str, allowed: Sequence[int] = (0,)) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST, check=False)
    if done.returncode not in allowed or (done.returncode and not done.stdout.strip()):
        raise subprocess.CalledProcessError(done.returncode, command, done.stdout, done.stderr)
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
