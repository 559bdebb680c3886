"""All tests that break things in turn, or those named on the command line: kills power faults."""

import importlib
import sys

NAMES = ["kills", "power", "faults"]


def main():
    """Runs them and ends with "N passed, M failed"."""
    wanted, sys.argv[1:] = sys.argv[1:] or NAMES, []
    unknown = set(wanted) - set(NAMES)
    if unknown:
        sys.exit(f"no such test: {', '.join(sorted(unknown))}; there are: {', '.join(NAMES)}")
    passed = failed = 0
    for name in wanted:
        good, bad = importlib.import_module(name).main()
        passed, failed = passed + good, failed + bad
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
