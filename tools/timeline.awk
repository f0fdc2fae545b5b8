# SPDX-License-Identifier: MIT
# Draws what POPCORN_STATS wrote: a column for each node, a line for each hop, then sums.
# Variables: color (1: use it), machine (this machine's ISA), most (hops to draw, 32).

# The value of a number's key in the line at hand.
function value(key, text) {
    if (!match($0, "\"" key "\": *-?[0-9.]+"))
        return 0
    text = substr($0, RSTART, RLENGTH)
    sub(/.*: */, "", text)
    return text + 0
}

function times(text, n, result) {
    while (n-- > 0)
        result = result text
    return result
}

function paint(node, text) {
    return color ? sprintf("\033[%dm%s\033[0m", 32 + node % 5, text) : text
}

# Columns are 12 wide. A hop is drawn from one node's column to another's.
function path(from, to, low, high, line) {
    low = from < to ? from : to
    high = from < to ? to : from
    line = times(" ", 12 * low + 3)
    line = line (from < to ? "o" : "<") times("-", 12 * (high - low) - 1) (from < to ? ">" : "o")
    return line times(" ", 12 * nodes - length(line))
}

function microseconds(t) {
    return t >= 1000 ? sprintf("%.1f ms", t / 1000) : sprintf("%.0f us", t)
}

function draw(i) {
    printf "%9.3f  %s  %6d  %7d  %10s  %s\n", when[i] / 1e6, paint(to[i], path(from[i], to[i])), frames[i], bytes[i],
        microseconds(took[i]), first[i] ? "the node's process was started" : ""
}

function sort(list, n, i, j, t) {
    for (i = 2; i <= n; i++) {
        t = list[i]
        for (j = i - 1; j > 0 && list[j] > t; j--)
            list[j + 1] = list[j]
        list[j + 1] = t
    }
}

/"nodes":/ {
    text = $0
    sub(/.*\[/, "", text)
    gsub(/[\]" ]/, "", text)
    sub(/,$/, "", text)
    nodes = split(text, isa, ",")
}
/"points":/ { points = value("points") }
/"migrations":/ { migrations = value("migrations") }
/"refusals":/ { refusals = value("refusals") }
/"from":/ {
    hops++
    from[hops] = value("from")
    to[hops] = value("to")
    frames[hops] = value("frames")
    bytes[hops] = value("bytes")
    when[hops] = value("when_us")
    took[hops] = value("capture_us") + value("transfer_us") + value("rebuild_us")
    first[hops] = !(to[hops] in visited) && to[hops] != 0
    visited[to[hops]] = 1
    visits[to[hops]]++
    if (deepest < frames[hops])
        deepest = frames[hops]
    here[from[hops]] += when[hops] - since
    since = when[hops]
}

END {
    if (!hops) {
        print "The program did not hop."
        exit 1
    }
    if (!most)
        most = 32
    printf "\n%9s  ", "seconds"
    for (i = 1; i <= nodes; i++)
        printf "%s", paint(i - 1, sprintf("%-12s", isa[i]))
    printf "  %6s  %7s  %10s\n", "frames", "bytes", "hop took"
    for (i = 1; i <= hops && i <= most; i++)
        draw(i)
    if (hops > most)
        printf "%9s  and %d hops more\n", "", migrations - most

    print ""
    for (i = 1; i <= nodes; i++)
        printf "%s  was there %d times%s\n", paint(i - 1, sprintf("%-12s", isa[i])), visits[i - 1] + (i == 1),
            isa[i] == machine ? "" : ", under qemu on this machine"
    for (i = 1; i <= hops; i++)
        if (!first[i])
            warm[++count] = took[i]
    sort(warm, count)
    printf "%d hops, up to %d frames deep; half of them took less than %s. ", migrations, deepest,
        microseconds(warm[int((count + 1) / 2)])
    printf "%d migration points were passed, %d hops refused.\n", points, refusals
}
