# SPDX-License-Identifier: MIT
# Three files of lines ROW<tab>VARIANT<tab>NUMBERS: `files` has "BYTES LINK-MILLISECONDS", `counts` "INSTRUCTIONS
# [MOST-WITHOUT-A-POINT]" and `times`, for each run, "USER SYSTEM KILOBYTES". They become a table and, if `json` names a file,
# go to that. `ours` and `theirs` are the variants whose instructions are compared.
function median(text, n, i, j, t, list) {
    n = split(text, list, " ")
    for (i = 2; i <= n; i++) {
        t = list[i] + 0
        for (j = i - 1; j > 0 && list[j] + 0 > t; j--)
            list[j + 1] = list[j]
        list[j + 1] = t
    }
    return n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
}

function kind(row) {
    return substr(row, 1, index(row, "/") - 1)
}

{
    if (!($1 in seen)) {
        seen[$1] = 1
        rows[++nrows] = $1
    }
    split($3, number, " ")
}

FILENAME ~ /files$/ {
    bytes[$1, $2] = number[1]
    linking[$1, $2] = number[2]
    next
}

FILENAME ~ /counts$/ {
    instructions[$1, $2] = number[1]
    points[$1] = number[2]
    next
}

{
    times[$1, $2] = times[$1, $2] " " (number[1] + (kind($1) == "libc" ? number[2] : 0)) / 1000
    memory[$1, $2] = memory[$1, $2] " " number[3]
}

function ratio(row, over) {
    if (over == "instructions")
        return instructions[row, theirs] > 0 ? instructions[row, ours] / instructions[row, theirs] : 0
    return time[row, over] > 0 ? time[row, "popcorn"] / time[row, over] : 0
}

# The geometric mean, and the worst row, of ours over another's, of rows of one kind or of all but one.
function summary(over, one, but, i, sum, n, r, worst, where) {
    for (i = 1; i <= nrows; i++) {
        if ((one && kind(rows[i]) != one) || kind(rows[i]) == but || !(r = ratio(rows[i], over)))
            continue
        sum += log(r)
        n++
        if (r > worst) {
            worst = r
            where = rows[i]
        }
    }
    if (n)
        printf "%s, %s: geometric mean %.2f of %d rows, worst %.2f (%s)\n", (one ? one : "programs and kernels"), (over == "instructions" ? over " over " theirs : "over " over),
            exp(sum / n), n, worst, where
}

function as_json(i, j, v) {
    printf "{\"runs\": %d, \"rows\": [", runs >json
    for (i = 1; i <= nrows; i++) {
        printf "%s\n  {\"row\": \"%s\"", (i > 1 ? "," : ""), rows[i] >json
        for (j = 1; j <= count; j++) {
            v = variant[j]
            printf ", \"%s\": {\"ms\": %.3f, \"kilobytes\": %d, \"bytes\": %d, \"link_ms\": %d", v, time[rows[i], v],
                peak[rows[i], v], bytes[rows[i], v], linking[rows[i], v] >json
            if ((rows[i], v) in instructions)
                printf ", \"instructions\": %d", instructions[rows[i], v] >json
            printf "}" >json
        }
        printf "}" >json
    }
    printf "\n]}\n" >json
}

END {
    count = split(variants, variant, " ")
    printf "%-28s", runs ? "medians of " runs " runs, ms" : "no times taken"
    for (j = 1; j <= count && runs; j++)
        printf "%9s", variant[j]
    if (runs)
        printf "  ours/glibc"
    printf "%15s%15s%7s%9s", theirs " insns", "ours", "ratio", "points"
    print runs ? "  peak KB        file KB        link ms" : ""
    for (i = 1; i <= nrows; i++) {
        row = rows[i]
        printf "%-28s", row
        for (j = 1; j <= count && runs; j++) {
            time[row, variant[j]] = median(times[row, variant[j]])
            peak[row, variant[j]] = median(memory[row, variant[j]])
            printf "%9.1f", time[row, variant[j]]
        }
        if (runs)
            printf "%12.2f", ratio(row, "glibc")
        printf "%15d%15d%7.2f%9s", instructions[row, theirs], instructions[row, ours], ratio(row, "instructions"), points[row]
        if (runs && kind(row) != "libc")
            printf "  %6d %6d  %6d %6d  %6d %6d", peak[row, "glibc"], peak[row, "popcorn"], bytes[row, "glibc"] / 1000,
                bytes[row, "popcorn"] / 1000, linking[row, "glibc"], linking[row, "popcorn"]
        printf "\n"
        most = points[row] + 0 > most ? points[row] + 0 : most
    }
    if (most)
        printf "without a migration point: at most %d instructions\n", most
    summary("instructions", "", "libc")
    summary("instructions", "libc", "")
    summary("glibc", "", "libc")
    summary("musl", "", "libc")
    summary("native", "", "libc")
    summary("plain", "", "libc")
    summary("glibc", "libc", "")
    summary("musl", "libc", "")
    if (json)
        as_json()
}
