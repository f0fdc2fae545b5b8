# SPDX-License-Identifier: MIT
# The figures of test/vm/src/bench.c as a table. Pairs of the bare network's and the module's p50 and p99, nanoseconds.
function latency(key, what, bare, aim) {
    if (key in p50)
        printf "%-34s %10.0f %10.0f   %-22s %8.0f %8.0f %7.2f  %s\n", what, p50[key], p99[key], bare, bare50[key], bare99[key],
            p50[key] / bare50[key], aim
}
function throughput(key, what, aim) {
    if (key in p50)
        printf "%-34s %10.1f %10s   %-22s %8.1f %8s %6.0f%%  %s\n", what, 67108864 / p50[key], "", "64 MiB", 67108864 / bare50[key],
            "", 100 * bare50[key] / p50[key], aim
}
$2 == "figure" && $3 == "idle" { keepalives = $4; others = $5; cpu = $6 / 1e6; seconds = $7; next }
$2 == "figure" && $3 == "program_hop" { program = $4 / 1000; next }
$2 == "figure" && NF == 7 { bare50[$3] = $4 / 1000; bare99[$3] = $5 / 1000; p50[$3] = $6 / 1000; p99[$3] = $7 / 1000 }
END {
    printf "%-34s %10s %10s   %-22s %8s %8s %7s  %s\n", "microseconds", "p50", "p99", "bare TCP", "p50", "p99", "ratio", "aim"
    latency("hop", "hop there and back", "8 B there, 8 B back", "<= 3")
    if (program)
        printf "%-34s %10.0f %10s   %-22s %8.0f %8s %7.2f\n", "a program's hop there and back (mean)", program, "",
            "8 B there, 8 B back", bare50["hop"], "", program / bare50["hop"]
    latency("fault_read", "page fault, read", "8 B there, 4 KiB back", "<= 1.5")
    latency("fault_write", "page fault, write", "8 B there, 4 KiB back", "<= 1.5")
    latency("fault_own", "page fault, write to what is read", "8 B there, 8 B back", "")
    printf "%-34s %10s %10s   %-22s %8s %8s %7s  %s\n", "MB/s", "", "", "bare TCP", "", "", "ratio", "aim"
    throughput("bulk_read", "sequential read there", ">= 70%")
    throughput("bulk_write", "sequential write there", "")
    throughput("bulk_read_home", "sequential read back home", ">= 70%")
    printf "idle module, %d s: %d keep-alives and %d other messages sent and received, its threads ran %.2f ms\n", seconds,
        keepalives, others, cpu
}
