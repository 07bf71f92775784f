"""The configuration: read, checked, explained, redacted; never written and never watched here."""
