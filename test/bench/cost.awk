# SPDX-License-Identifier: MIT
# Lines "APP VARIANT SECONDS" to a table of medians and ratios.
function median(key, n, i, j, t, list) {
    n = split(times[key], list, " ")
    for (i = 2; i <= n; i++) {
        t = list[i] + 0
        for (j = i - 1; j > 0 && list[j] + 0 > t; j--)
            list[j + 1] = list[j]
        list[j + 1] = t
    }
    return n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
}

!($1 in seen) {
    seen[$1] = 1
    app[++apps] = $1
}
{ times[$1, $2] = times[$1, $2] " " $3 }

END {
    printf "%-8s %12s %14s %12s %22s %20s\n", "program", "plain musl", "no migration", "migratable", "migratable/no migr.",
        "migratable/plain"
    for (i = 1; i <= apps; i++) {
        a = app[i]
        plain = median(a SUBSEP "plain")
        without = median(a SUBSEP "unmigratable")
        with = median(a SUBSEP "popcorn")
        printf "%-8s %12.2f %14.2f %12.2f %22.2f %20.2f\n", a, plain, without, with, with / without, with / plain
    }
}
