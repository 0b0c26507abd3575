#!/bin/sh
# Makes an image golang:<version> out of this machine's own Go, for machines that reach no registry.
# Usage: golang-image.sh [NAME]      The product knows nothing of it: its Dockerfile says FROM golang:1.26 as anywhere.
#
# In it: the Go tree without its tests and the sources of its tools, a shell with the usual small programs, the
# libraries these need, the CA bundle, and the modules that go.sum names, as a file proxy in front of the usual one.
set -eu

name=${1:-golang:1.26}
here=$(cd "$(dirname "$0")" && pwd)
module=$(cd "$here/../.." && pwd)
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

programs="sh bash cat chmod chown cp cut date dirname env find grep head id ln ls mkdir mktemp mv pwd rm sed sleep sort stat tail tar touch tr true uname wc"

# put copies a file to its own path in the image, symbolic links resolved.
put() {
	mkdir -p "$root$(dirname "$1")"
	cp -L "$1" "$root$1"
}

for p in $programs; do
	path=$(PATH=/usr/bin:/bin command -v "$p") || continue
	case $path in /*) ;; *) path=/usr/bin/$p ;; esac
	[ -e "$path" ] || continue
	mkdir -p "$root/usr/bin"
	cp -L "$path" "$root/usr/bin/$p"
	ldd "$path" 2>/dev/null | grep -o '/[^ ]*' | while read -r lib; do
		[ -e "$root$lib" ] || put "$lib"
	done
done
for dir in bin sbin; do ln -s usr/bin "$root/$dir"; done

put /etc/ssl/certs/ca-certificates.crt
printf 'root:x:0:0:root:/root:/bin/sh\n' >"$root/etc/passwd"
printf 'root:x:0:\n' >"$root/etc/group"
printf 'hosts: files dns\n' >"$root/etc/nsswitch.conf"
mkdir -p "$root/root" "$root/go" "$root/usr/local" "$root/var/tmp"
mkdir -m 1777 "$root/tmp"

goroot=$(go env GOROOT)
tar -C "$(dirname "$goroot")" -c --anchored \
	--exclude="${goroot##*/}/test" --exclude="${goroot##*/}/api" --exclude="${goroot##*/}/doc" \
	--exclude="${goroot##*/}/src/cmd" --no-anchored --exclude=testdata --exclude='*_test.go' "${goroot##*/}" |
	tar -C "$root/usr/local" -x

# The modules of go.sum, from this machine's module cache.
(cd "$module" && go mod download)
cache=$(go env GOMODCACHE)/cache/download
mkdir -p "$root/go-proxy"
sed 's/\/go\.mod / /' "$module/go.sum" | cut -d' ' -f1,2 | sort -u | while read -r mod version; do
	escaped=$(printf %s "$mod" | sed 's/[A-Z]/!&/g' | tr '[:upper:]' '[:lower:]')
	for ext in info mod zip; do
		file=$cache/$escaped/@v/$version.$ext
		[ -e "$file" ] || continue
		mkdir -p "$root/go-proxy/$escaped/@v"
		cp "$file" "$root/go-proxy/$escaped/@v/"
	done
done

tar -C "$root" -c . | docker import \
	--change 'ENV PATH=/usr/local/go/bin:/go/bin:/usr/local/bin:/usr/bin:/bin' \
	--change 'ENV GOPATH=/go' \
	--change "ENV GOPROXY=file:///go-proxy,$(go env GOPROXY)" \
	--change 'ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt' \
	--change 'ENV GOTOOLCHAIN=local' \
	--change 'WORKDIR /go' \
	- "$name"
