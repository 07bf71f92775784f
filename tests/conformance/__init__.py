"""The official, unmodified client programs against a running gateway, seen only from outside.

What runs, and on what: the tests start one gateway for each test class, as a process with a home
and a state directory of its own, beside a model stand-in. ``OPENCLAW_CONFORMANCE_TARGET`` chooses
it: ``ours`` (default), or ``original``, the npm package's own gateway. Every test passes on the
original too, but for the agreed differences that a test names with ``self.ours``: a test that only
our gateway passes would show what we think, not what the clients need.

Packages are looked for in ``node_modules`` beside ``package.json``, or in the directory that
``OPENCLAW_NODE_MODULES`` names. What is missing is a skip with its reason;
``OPENCLAW_REQUIRE_ALL=1`` makes it a failure.
"""
