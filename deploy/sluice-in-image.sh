#!/bin/sh
# The image's `sluice`: everything is installed already, so there is nothing to look for.
unset NODE_EXTRA_CA_CERTS
# Compiled code outlives the container, so that a restart takes a fraction of the time.
export NODE_COMPILE_CACHE="${NODE_COMPILE_CACHE:-/var/lib/sluice/compile-cache}"
exec /sluice/node_modules/.bin/node --disable-warning=ExperimentalWarning /sluice/src/cli/main.ts "$@"
