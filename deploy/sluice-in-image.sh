#!/bin/sh
# The image's `sluice`: everything is installed already, so there is nothing to look for.
unset NODE_EXTRA_CA_CERTS NODE_OPTIONS
exec /sluice/node_modules/.bin/node --disable-warning=ExperimentalWarning /sluice/src/cli/main.ts "$@"
