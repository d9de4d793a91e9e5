#!/bin/sh
# Installs the programs that tests need: Node with its packages, PostgreSQL, Redis, Chromium, systemd, reverse proxies,
# ssh, a C compiler for the benchmarks' load generator. Where it may not, it says which tests will be skipped; with
# CI=true nothing may be.
set -u
cd "$(dirname "$0")"

missing=""
command -v node >/dev/null && command -v npm >/dev/null || missing="$missing nodejs npm"
command -v cc >/dev/null || missing="$missing gcc libc6-dev"
command -v systemd-analyze >/dev/null || missing="$missing systemd"
command -v chromium >/dev/null || missing="$missing chromium"
command -v ssh >/dev/null || missing="$missing openssh-client"
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null || missing="$missing postgresql"
for server in nginx apache2 haproxy caddy redis-server; do
    PATH="$PATH:/usr/sbin" command -v $server >/dev/null || missing="$missing $server"
done

if [ -n "$missing" ]; then
    if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
        echo "Installing:$missing"
        # One source of many that cannot be read fails the update, and says nothing of what we need.
        { apt-get update -qq; DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing; } \
            >/dev/null 2>&1 || echo "Could not install:$missing"
    else
        echo "Not installed, and only root can:$missing. The tests that need them are skipped."
    fi
fi

if command -v npm >/dev/null && [ ! node/node_modules/.package-lock.json -nt node/package-lock.json ]; then
    (cd node && npm ci --silent --no-audit --no-fund) || echo "npm failed: the tests with Node's clients are skipped."
fi
