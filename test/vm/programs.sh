# SPDX-License-Identifier: MIT
# Sourced by the jobs: how a test machine runs a popcorn program, and what is said of it.

secure=/etc/popcorn/nodes.secure

# verdict NAME COMMAND...: a line about a case.
verdict() {
    local case=$1
    shift
    if "$@"; then echo "ok - $case"; else echo "not ok - $case"; fi
}

# count NAME: a number of the last program's statistics.
count() { sed -n 's/.*"'"$1"'": *\([0-9]*\).*/\1/p' /tmp/stats | head -n 1; }

# run NAME PROG...: by $rule, as a user; what it prints must be what it prints natively, and it must hop $least times.
run() {
    name=$1
    shift
    export POPCORN_BACKEND=kernel POPCORN_MIGRATE="$rule" POPCORN_STATS=/tmp/stats
    rm -f /tmp/stats /tmp/*.db
    cd /programs
    timeout $((LIMIT * 3 / 10)) vmtest as 1000 "$@" </dev/null >/tmp/out 2>/tmp/err
    code=$?
    unset POPCORN_BACKEND POPCORN_MIGRATE POPCORN_STATS
    while read -r line; do echo "# $name: $line"; done </tmp/err
    [ "$code" = 0 ] || { echo "# $name: status $code"; return 1; }
    cmp /tmp/out "/programs/$name.expected" || { tail -n 30 /tmp/out; return 1; }
    hops=$(count migrations)
    [ "$hops" -ge "$least" ] || { echo "# $name: only $hops hops"; cat /tmp/stats; return 1; }
    echo "# $name: $hops hops"
}

# once NAME: the program of that name.
once() {
    job=$1
    . "/programs/$job.run"
    run "$job" "$@"
}

# programs NAME...: the same, each of them a case of its own.
programs() {
    for job in "$@"; do
        start=$(cat /proc/uptime)
        . "/programs/$job.run"
        if run "$job" "$@"; then echo "ok - $job"; else
            echo "not ok - $job"
            grep -v ' 0$' /sys/kernel/debug/popcorn/stats | while read -r line; do echo "# $line"; done
        fi
        echo "# $job: from ${start% *} to $(cat /proc/uptime)"
    done
}

# threads_on NODE NUMBER: so many of the program's threads are there.
threads_on() { [ "$(popcorn ps | grep -c "on node $1\$")" = "$2" ]; }

# until_true COMMAND...: for 20 seconds, or longer where all takes longer.
until_true() {
    local tries=$((100 * PATIENCE))
    until "$@"; do
        [ $((tries -= 1)) -gt 0 ] || return 1
        sleep 0.2
    done
}

# For a machine that has no end of its own: `run` ends it, when a test says so or when machine a has ended.
until_powered_off() { while :; do sleep 1000; done; }

# Machines wait for each other: `meet a` on machine a, `meet b` on machine b.
meet() {
    if [ "$1" = a ]; then
        timeout $((LIMIT * 7 / 10)) nc -l -p 6200 </dev/null >/dev/null
    else
        timeout $((LIMIT * 7 / 10)) sh -c "until nc $peer 6200 </dev/null >/dev/null 2>&1; do sleep 1; done"
    fi
}
