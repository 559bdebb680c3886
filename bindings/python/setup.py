"""Puts the shared library and the parsed declarations into the wheel. Needs no compiler.

The library is ../../target/release/libtern.so, or what LIBTERN_LIBRARY names. LIBTERN_BUNDLE=0
makes a wheel without one, for systems that have libtern.so installed.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from setuptools import Distribution, setup
from setuptools.command.build_py import build_py

try:
    from setuptools.command.bdist_wheel import bdist_wheel
except ImportError as error:
    raise SystemExit("libtern: building needs setuptools 70.1 or later") from error

HERE = Path(__file__).resolve().parent
BUNDLE = os.environ.get("LIBTERN_BUNDLE", "1") != "0"


def library() -> Path:
    """The library that goes into the wheel."""
    named = os.environ.get("LIBTERN_LIBRARY")
    path = Path(named) if named else HERE.parent.parent / "target" / "release" / "libtern.so"
    if not path.is_file():
        raise SystemExit(
            f"libtern: there is no {path}. Run `make` at the top of the source tree first, or "
            "name the library in LIBTERN_LIBRARY; LIBTERN_BUNDLE=0 makes a wheel without it."
        )
    return path


def portable(platform: str) -> str:
    """The platform by the oldest GNU C library that ours runs on (PEP 600), where it uses that.

    Nothing else of the system is needed but libgcc_s, which that PEP allows.
    """
    if not platform.startswith("linux_"):
        return platform
    versions = re.findall(rb"GLIBC_2\.(\d+)\x00", library().read_bytes())
    minor = max((int(version) for version in versions), default=0)
    return f"manylinux_2_{max(minor, 17)}_{platform.removeprefix('linux_')}" if minor else platform


class BuildPackage(build_py):
    """The modules, and what is made for them."""

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        package = Path(self.build_lib) / "libtern"
        self.parse(package)
        native = package / "_native"
        shutil.rmtree(native, ignore_errors=True)
        if BUNDLE:
            native.mkdir()
            shutil.copyfile(library(), native / "libtern.so")

    def parse(self, package: Path) -> None:
        """Parses the declarations now, which saves every start of a program a tenth of a second."""
        from cffi import FFI

        names: dict[str, str] = {}
        exec((HERE / "src/libtern/_cdef.py").read_text(encoding="ascii"), names)
        declarations = FFI()
        declarations.cdef(names["CDEF"])
        declarations.set_source("libtern._parsed", None)
        declarations.emit_python_code(str(package / "_parsed.py"))


class PlatformWheel(bdist_wheel):
    """One wheel for every Python: nothing in it depends on the interpreter."""

    def get_tag(self) -> tuple[str, str, str]:
        platform = super().get_tag()[2]
        return "py3", "none", portable(platform) if BUNDLE else "any"


class Binary(Distribution):
    """Files go where those of extension modules go: into the root of the wheel."""

    def has_ext_modules(self) -> bool:
        return BUNDLE


setup(distclass=Binary, cmdclass={"build_py": BuildPackage, "bdist_wheel": PlatformWheel})
