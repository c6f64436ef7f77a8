#!/bin/sh
# `npm test`: the whole suite from a fresh clone. Installs what it needs, then checks, builds and runs every suite.
set -eu
root=$(CDPATH='' cd "$(dirname "$0")/.." && pwd)
cd "$root"
# shellcheck source=scripts/setup.sh
. "$root/scripts/setup.sh"

need_linux "the test suite"
need_npm_packages
# shellcheck disable=SC2086 # a list
need_system_packages $test_packages
PATH="$root/node_modules/.bin:$PATH"
export PATH
unset NODE_EXTRA_CA_CERTS NODE_OPTIONS

node scripts/build.ts
npm run --silent lint
npm run --silent types
npm run --silent unused
[ $# -eq 0 ] || exec vitest run "$@"
exec node scripts/suites.ts
