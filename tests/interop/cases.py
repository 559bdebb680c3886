"""Runs the cases of an interop test, and says how it went in the words that CI counts."""

import sys
import tempfile

from clients import Failed


def run(name, cases):
    """Each case, a name and a function, gets a directory of its own; returns (passed, failed)."""
    passed = failed = 0
    for case, function in cases:
        with tempfile.TemporaryDirectory(prefix=f"tern-{name}-") as work:
            try:
                function(work)
            except Failed as error:
                failed += 1
                print(f"not ok: {case}: {error}", flush=True)
            else:
                passed += 1
                print(f"ok: {case}", flush=True)
    return passed, failed


def alone(main):
    """A test that is run by itself."""
    passed, failed = main()
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed > 0)
