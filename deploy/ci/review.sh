#!/bin/sh
# Lints SLUICE_MANIFESTS, runs SLUICE_TESTS, and compares with SLUICE_BASE; exits with the worst of their codes. Besides the
# log it writes the job's summary and, as output `comment`, a file with the text for the pull request.
set -eu
here=$(CDPATH='' cd "$(dirname "$0")" && pwd)
sluice=${SLUICE:-$here/../../sluice}
manifests=${SLUICE_MANIFESTS:?say which folder of manifests}
worst=0

# run COMMAND… — keeps the worst exit code and goes on.
run() {
  code=0
  "$@" || code=$?
  [ "$code" -le "$worst" ] || worst=$code
}

if [ "${SLUICE_LINT:-warning}" != none ]; then
  run "$sluice" lint -f "$manifests" -o github --fail-on "${SLUICE_LINT:-warning}"
fi

if [ -n "${SLUICE_TESTS:-}" ]; then
  # shellcheck disable=SC2086 # a list of patterns
  run "$sluice" test ${SLUICE_TESTS}
fi

comment=
if [ -n "${SLUICE_BASE:-}" ]; then
  if ! git rev-parse --verify --quiet --end-of-options "$SLUICE_BASE^{commit}" >/dev/null; then
    echo "::error::revision $SLUICE_BASE is not there to compare with: let actions/checkout fetch it (fetch-depth: 0)"
    worst=2
  elif ! git cat-file -e "$SLUICE_BASE:$manifests" 2>/dev/null; then
    echo "$manifests is new: there is nothing to compare with."
  else
    comment=${RUNNER_TEMP:-/tmp}/sluice-comment.md
    fail_on=${SLUICE_FAIL_ON:-none}
    if [ "$fail_on" = none ]; then set --; else set -- --fail-on "$fail_on"; fi
    code=0
    "$sluice" diff "$SLUICE_BASE:$manifests" "$manifests" -o github "$@" >"$comment" || code=$?
    [ "$code" -le "$worst" ] || worst=$code
    if [ "$code" -ge 2 ]; then comment=; else cat "$comment"; fi
  fi
fi

if [ -n "$comment" ] && [ -n "${GITHUB_STEP_SUMMARY:-}" ]; then cat "$comment" >>"$GITHUB_STEP_SUMMARY"; fi
if [ -n "${GITHUB_OUTPUT:-}" ]; then echo "comment=$comment" >>"$GITHUB_OUTPUT"; fi
exit "$worst"
