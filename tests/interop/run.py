"""All interop tests in turn, or those named: both_ways swarm magnets resume import dht."""

import importlib
import sys

NAMES = ["both_ways", "swarm", "magnets", "resume", "import", "dht"]


def main():
    """Runs them and ends with "N passed, M failed"."""
    unknown = set(sys.argv[1:]) - set(NAMES)
    if unknown:
        sys.exit(f"no such test: {', '.join(sorted(unknown))}; there are: {', '.join(NAMES)}")
    passed = failed = 0
    for name in sys.argv[1:] or NAMES:
        good, bad = importlib.import_module(name).main()
        passed, failed = passed + good, failed + bad
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
