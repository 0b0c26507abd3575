#!/bin/sh
# make.sh FILE bundles ed25519.js and what it imports, the versions of package-lock.json, into FILE (../files/ed25519.js).
# It writes the same bytes everywhere.
set -eu
out=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$(dirname "$0")"
cp package.json package-lock.json .npmrc ed25519.js "$work"
cd "$work"
npm ci --silent --no-audit --no-fund
./node_modules/.bin/esbuild ed25519.js --bundle --format=esm --minify --target=es2022 --charset=utf8 --legal-comments=eof --log-level=warning --outfile="$out"
