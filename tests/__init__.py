"""The same tree as the package, plus whole-gateway tests."""
