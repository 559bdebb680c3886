"""The wheel: one for every Python, made and installed without a compiler."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

import libtern

HERE = Path(__file__).resolve().parent.parent
setuptools = pytest.importorskip("setuptools")
VERSION = tuple(int(part) for part in setuptools.__version__.split(".")[:2])


@pytest.mark.skipif(VERSION < (70, 1), reason="building needs setuptools 70.1")
@pytest.mark.skipif(not Path(libtern.LIBRARY_PATH).is_file(), reason="the system's library")
def test_wheel(tmp_path: Path) -> None:
    source = tmp_path / "source"
    shutil.copytree(HERE, source, ignore=shutil.ignore_patterns("build", "*.egg-info", "tests"))
    # No compiler, and nothing of ours on the path.
    ours = ("PYTHONPATH", "LIBTERN_LIBRARY")
    environment = {k: v for k, v in os.environ.items() if k not in ours}
    building = {**environment, "LIBTERN_LIBRARY": libtern.LIBRARY_PATH, "CC": "/bin/false"}
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation",
         "--disable-pip-version-check", "-w", str(tmp_path), str(source)],
        env=building, check=True, timeout=300,
    )
    (wheel,) = tmp_path.glob("*.whl")
    platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
    version = re.escape(libtern.__version__)
    name = re.fullmatch(rf"libtern-{version}-py3-none-(\w+)\.whl", wheel.name)
    assert name is not None, wheel.name
    if glibc := os.confstr("CS_GNU_LIBC_VERSION") if platform.startswith("linux_") else None:
        # By the C library it needs, which this machine has.
        tag = re.fullmatch(rf"manylinux_2_(\d+)_{platform.removeprefix('linux_')}", name[1])
        assert tag is not None and 17 <= int(tag[1]) <= int(glibc.rsplit(".", 1)[1])
    else:
        assert name[1] == platform
    names = set(zipfile.ZipFile(wheel).namelist())
    modules = {f"libtern/{path.name}" for path in (HERE / "src" / "libtern").glob("*.py")}
    assert modules | {
        "libtern/py.typed", "libtern/_parsed.py", "libtern/_native/libtern.so"
    } <= names
    venv.create(tmp_path / "venv", with_pip=False)
    python = tmp_path / "venv" / "bin" / "python"
    site = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        capture_output=True, text=True, check=True,
    ).stdout.strip()
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", site,
         "--disable-pip-version-check", str(wheel)],
        env=environment, check=True, timeout=300,
    )
    # cffi comes from where this Python has it, after everything else.
    import cffi

    said = subprocess.run(
        [python, "-c", "import sys; sys.path.append(sys.argv[1]); import libtern, libtern.aio\n"
         "print(libtern.LIBRARY_PATH, libtern.library_version(), 'cffi.cparser' in sys.modules)\n"
         "with libtern.Session(listen='127.0.0.1:0') as s: assert s.listen_port",
         str(Path(cffi.__file__).parent.parent)],
        env=environment, capture_output=True, text=True, check=True, timeout=120,
    ).stdout.split()
    assert said == [f"{site}/libtern/_native/libtern.so", libtern.library_version(), "False"]
