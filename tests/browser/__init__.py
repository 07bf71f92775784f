"""The web chat in a real browser against a real gateway, and its modules on their own in Node.

``checks/`` holds one script for each story, driven with playwright-core in the system's Chromium;
``units/`` tests the modules that need no page. What is missing is a skip with its reason;
``OPENCLAW_REQUIRE_ALL=1`` makes it a failure.
"""
