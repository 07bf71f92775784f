"""The same tree as the package, plus whole-gateway tests."""

import sys

if "twisted.trial.unittest" in sys.modules:
    # Under trial, and not in a stand-in: see docs/development.rst.
    from tests.stalls.arrange import in_trial

    in_trial()
