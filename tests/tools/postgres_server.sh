#!/usr/bin/env bash
# PostgreSQL for the tests: postgres_server.sh PROGRAMS FOLDER PORT. Prints one line of JSON when it is ready, and ends with
# its standard input. A line `restart` ends it hard and starts it again. It refuses root, so then Debian's user runs it.
set -euo pipefail
programs=$1 folder=$2/data port=$3

as_other=()
if [[ $EUID -eq 0 ]]; then
    chmod 711 "$2"
    install -d -o postgres "$folder"
    as_other=(runuser -u postgres --)
    cd /
fi
quietly() { "${as_other[@]}" "$@" </dev/null >&2; }
# What must survive a crash is not what these tests ask of the server itself.
start() {
    quietly "$programs/pg_ctl" -D "$folder" -w -s -l "$folder/log" \
        -o "-p $port -h 127.0.0.1 -k $folder -F -c max_connections=400 -c synchronous_commit=on" start
}
stop() { quietly "$programs/pg_ctl" -D "$folder" -s -m immediate stop; }

"${as_other[@]}" "$programs/initdb" -D "$folder" -A trust -U crieur -E UTF8 --locale=C.UTF-8 --no-sync </dev/null >/dev/null
start
trap 'stop; rm -rf "$folder"' EXIT
printf '{"url":"postgres://crieur@127.0.0.1:%s","host":"127.0.0.1","port":"%s"}\n' "$port" "$port"
while read -r line; do
    if [[ $line == restart ]]; then
        stop
        start
        printf '{}\n'
    fi
done
