#!/bin/sh
# Puts the text of SLUICE_COMMENT under pull request SLUICE_PULL_REQUEST: into the comment that stands there from an earlier
# run, or into a new one.
set -eu
comments=repos/${GITHUB_REPOSITORY:?}/issues/${SLUICE_PULL_REQUEST:?}/comments
earlier=$(gh api --paginate "$comments" --jq '.[] | select(.body | startswith("<!-- sluice diff -->")) | .id' | head -n 1)
if [ -n "$earlier" ]; then
  gh api --method PATCH "repos/$GITHUB_REPOSITORY/issues/comments/$earlier" --field "body=@${SLUICE_COMMENT:?}" --silent
else
  gh api --method POST "$comments" --field "body=@${SLUICE_COMMENT:?}" --silent
fi
