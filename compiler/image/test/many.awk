# SPDX-License-Identifier: MIT
# Writes an LLVM module: a function with 300 call sites, more than a block of the call-site table holds. Slot k of
# site s is live if bit k of s * 37 is set; its value is then 1000 k + s / (k + 1), so that some values stay from one
# site to the next and others do not. The sites from 201 on come in reverse order, so that there is every kind of
# difference between the numbers of neighbours.
function live(site, slot) {
    return int(site * 37 / 2 ^ slot) % 2
}

function row(site, first,    slot, bits) {
    for (slot = first; slot < first + 8 && slot < slots; slot++)
        bits += live(site, slot) * 2 ^ (slot - first)
    return "i8 " (bits + 0)
}

function call(site,    slot, values) {
    for (slot = 0; slot < slots; slot++)
        if (live(site, slot))
            values = values (values ? ", " : "") "i64 " (1000 * slot + int(site / (slot + 1)))
    printf "  %%t%d = call token (i64, i32, ptr, i32, i32, ...) @llvm.experimental.gc.statepoint.p0(i64 %d, i32 0, " \
           "ptr elementtype(void ()) @callee, i32 0, i32 0, i32 0, i32 0) [\"deopt\"(%s)]\n", site, 2 * site, values
}

BEGIN {
    sites = 300
    slots = 11
    printf "@frames = private constant <{ i32, i32, i32, i32, i32, i32, i16, i16, [%d x i8] }>\n", 2 * sites
    printf "    <{ i32 %d, i32 1, i32 %d, i32 0, i32 1, i32 0, i16 %d, i16 0, [%d x i8] [", sites + 1, 2 * sites, slots,
           2 * sites
    for (site = 1; site <= sites; site++)
        printf "%s%s, %s", (site > 1 ? ", " : ""), row(site, 0), row(site, 8)
    print "] }>, section \".popcorn.frames\""
    print "declare void @callee()"
    print "declare token @llvm.experimental.gc.statepoint.p0(i64 immarg, i32 immarg, ptr, i32 immarg, i32 immarg, ...)"
    print "define void @many_sites() uwtable gc \"statepoint-example\" {"
    for (site = 1; site <= 200; site++)
        call(site)
    for (site = 300; site > 200; site--)
        call(site)
    print "  ret void\n}"
}
