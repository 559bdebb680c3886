"""Finding the library: what happens when it is missing or does not fit."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import libtern


def run(code: str, package: Path | None = None, **environment: str) -> str:
    """Output of a Python program, with the package from another place."""
    env = {**os.environ, **environment}
    if package is not None:
        env["PYTHONPATH"] = str(package)
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True,
                          timeout=120, check=False)
    return done.stdout + done.stderr


def test_no_library() -> None:
    said = run("import libtern", LIBTERN_LIBRARY="/nonexistent/libtern.so")
    assert "ImportError" in said and "/nonexistent/libtern.so" in said
    assert "LIBTERN_LIBRARY" in said and libtern.__version__ in said


def test_another_library() -> None:
    said = run("import libtern", LIBTERN_LIBRARY="libc.so.6")
    assert "ImportError" in said and "libc.so.6 is not a library for libtern" in said


def copy(tmp_path: Path) -> Path:
    """The package without its parsed declarations and its library, to be changed."""
    package = tmp_path / "libtern"
    shutil.copytree(Path(libtern.__file__).parent, package,
                    ignore=shutil.ignore_patterns("_native", "_parsed.py", "__pycache__"))
    return package


def test_version_mismatch_names_both(tmp_path: Path) -> None:
    codes = copy(tmp_path) / "_codes.py"
    text = codes.read_text(encoding="ascii")
    text = re.sub(r"^VERSION_MINOR = \d+", "VERSION_MINOR = 77", text, flags=re.M)
    text = re.sub(r"^VERSION_NUM = \d+", f"VERSION_NUM = {77 << 8}", text, flags=re.M)
    codes.write_text(text, encoding="ascii")
    said = run("import libtern", tmp_path, LIBTERN_LIBRARY=libtern.LIBRARY_PATH)
    assert "ImportError" in said and "0.77.0" in said
    assert f"which is {libtern.library_version()}" in said


def test_structure_mismatch(tmp_path: Path) -> None:
    cdef = copy(tmp_path) / "_cdef.py"
    text = cdef.read_text(encoding="ascii")
    cdef.write_text(text.replace("int32_t is_paused;", "int32_t is_paused; uint64_t x[99];"))
    said = run("import libtern", tmp_path, LIBTERN_LIBRARY=libtern.LIBRARY_PATH)
    assert "ImportError" in said and "does not fit" in said


def test_nothing_is_printed_and_no_thread_started(tmp_path: Path) -> None:
    code = "import libtern, threading; assert threading.active_count() == 1"
    assert run(code, LIBTERN_LIBRARY=libtern.LIBRARY_PATH) == ""


def test_works_from_declarations_as_text(tmp_path: Path) -> None:
    package = copy(tmp_path).parent
    code = "import libtern; print(libtern.library_version(), libtern.__file__)"
    said = run(code, package, LIBTERN_LIBRARY=libtern.LIBRARY_PATH)
    assert said.split() == [libtern.library_version(), str(package / "libtern/__init__.py")]
