# SPDX-License-Identifier: MIT
# Of the statistics of bench/hop.c: for each direction a line "FROM TO FRAMES P50 P99 CAPTURE TRANSFER REBUILD", the last
# three medians, in microseconds. Nodes 1 and 2 are the ISAs a and b.
function value(key, text) {
    if (!match($0, "\"" key "\": *-?[0-9.]+"))
        return 0
    text = substr($0, RSTART, RLENGTH)
    sub(/.*: */, "", text)
    return text + 0
}

function sort(list, n, i, j, t, gap) {
    for (gap = int(n / 2); gap > 0; gap = int(gap / 2))
        for (i = gap + 1; i <= n; i++) {
            t = list[i]
            for (j = i; j > gap && list[j - gap] > t; j -= gap)
                list[j] = list[j - gap]
            list[j] = t
        }
}

function quantile(kind, direction, q, n, i, list) {
    n = 0
    for (i = int(count[direction] / 10) + 1; i <= count[direction]; i++)
        list[++n] = times[kind, direction, i]
    sort(list, n)
    i = int(n * q + 0.999)
    return list[i < 1 ? 1 : i > n ? n : i]
}

function report(direction, from, to) {
    if (count[direction])
        print from, to, frames, quantile("all", direction, 0.5), quantile("all", direction, 0.99),
            quantile("capture", direction, 0.5), quantile("transfer", direction, 0.5), quantile("rebuild", direction, 0.5)
}

/"from":/ && value("from") > 0 {
    direction = value("from")
    i = ++count[direction]
    frames = value("frames")
    times["capture", direction, i] = value("capture_us")
    times["transfer", direction, i] = value("transfer_us")
    times["rebuild", direction, i] = value("rebuild_us")
    times["all", direction, i] = value("capture_us") + value("transfer_us") + value("rebuild_us")
}

END {
    report(1, a, b)
    if (a != b)
        report(2, b, a)
}
