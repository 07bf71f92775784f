"""Programs that use the official client libraries; tests run them against the stand-in."""
