-- SPDX-License-Identifier: MIT
-- A little of everything: tables, strings, closures, coroutines, errors, sorting, floating point.
local function numbers(n)
    return coroutine.wrap(function()
        local x = 12345
        for _ = 1, n do
            x = (x * 1103515245 + 12345) % 2147483648
            coroutine.yield(x)
        end
    end)
end
local list, words, sum = {}, {}, 0.0
for x in numbers(3000) do
    list[#list + 1] = x
    words[string.format("%x", x % 512)] = (words[string.format("%x", x % 512)] or 0) + 1
    sum = sum + math.sqrt(x) * math.sin(x)
end
table.sort(list)
local keys = {}
for key in pairs(words) do keys[#keys + 1] = key end
table.sort(keys)
local text = table.concat(keys, " ")
print(#list, list[1], list[1500], list[3000], string.format("%.9f", sum))
print(#keys, #text, (text:gsub("a", "b")):sub(1, 40))
print(pcall(function() local t; return t.x end))
local function fib(n) return n < 2 and n or fib(n - 1) + fib(n - 2) end
print(fib(17))
