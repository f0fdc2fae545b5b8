-- SPDX-License-Identifier: MIT
-- Work for an interpreter: closures, tables, strings, errors, coroutines, sorting, collection. The argument scales it.
local scale = tonumber(arg and arg[1]) or 1

local function check(name, value)
  print(string.format("%-12s %s", name, tostring(value)))
end

-- A generator of our own, the same everywhere.
local state = 42
local function random(n)
  state = (state * 1103515245 + 12345) & 0x7fffffff
  return (state >> 8) % n + 1
end

local function closures()
  local function counter(step)
    local count = 0
    return function() count = count + step; return count end
  end
  local sum, counters = 0, {}
  for i = 1, 50 do counters[i] = counter(i) end
  for _ = 1, 400 * scale do
    for i = 1, #counters do sum = (sum + counters[i]()) % 1000003 end
  end
  local compose = function(f, g) return function(x) return f(g(x)) end end
  local f = function(x) return x + 1 end
  for _ = 1, 8 do f = compose(f, f) end
  return sum .. " " .. f(0)
end

local function sieve(n)
  local composite, count = {}, 0
  for i = 2, n do
    if not composite[i] then
      count = count + 1
      for j = i * i, n, i do composite[j] = true end
    end
  end
  return count
end

local function strings()
  local parts = {}
  for i = 1, 3000 * scale do
    parts[#parts + 1] = string.format("%d:%s:%5.2f", i, ("x"):rep(i % 7), i / 3)
  end
  local text = table.concat(parts, ",")
  local digits, words = 0, 0
  for _ in text:gmatch("%d") do digits = digits + 1 end
  local replaced = text:gsub("x+", function(s) words = words + 1; return #s end)
  local sum = 0
  for i = 1, #replaced, 97 do sum = (sum * 31 + replaced:byte(i)) % 1000003 end
  return digits .. " " .. words .. " " .. sum .. " " .. replaced:sub(-20):upper()
end

local function errors()
  local caught, depth = 0, 0
  local function dive(n)
    if n == 0 then error({ code = depth }) end
    depth = depth + 1
    local ok, problem = pcall(dive, n - 1)
    if not ok then
      caught = caught + 1
      error(problem, 0)
    end
  end
  for i = 1, 60 * scale do
    depth = 0
    local ok, problem = pcall(dive, i % 40)
    assert(not ok and problem.code == i % 40)
  end
  local ok, message = xpcall(function() return nil + 1 end, function(m) return "handled: " .. m:match("attempt.*") end)
  assert(not ok)
  local closed = 0
  pcall(function()
    local guard <close> = setmetatable({}, { __close = function() closed = closed + 1 end })
    error("leave")
  end)
  return caught .. " " .. message .. " " .. closed
end

local function coroutines()
  local function permute(list, n)
    if n <= 1 then
      coroutine.yield(list)
    else
      for i = 1, n do
        list[n], list[i] = list[i], list[n]
        permute(list, n - 1)
        list[n], list[i] = list[i], list[n]
      end
    end
  end
  local count, sum = 0, 0
  for _ = 1, scale do
    for list in coroutine.wrap(function() permute({ 1, 2, 3, 4, 5, 6 }, 6) end) do
      count = count + 1
      sum = (sum * 7 + list[1] * 10 + list[6]) % 1000003
    end
  end
  local failing = coroutine.create(function() coroutine.yield(1); error("inside") end)
  coroutine.resume(failing)
  local ok, message = coroutine.resume(failing)
  return count .. " " .. sum .. " " .. tostring(ok) .. " " .. message:match("inside")
end

local function sorting()
  local list = {}
  for i = 1, 4000 * scale do list[i] = { key = random(100000), order = i } end
  table.sort(list, function(a, b)
    if a.key ~= b.key then return a.key < b.key end
    return a.order < b.order
  end)
  for i = 2, #list do assert(list[i - 1].key <= list[i].key) end
  local ok = pcall(table.sort, { 3, 1, "x", 2 })
  return list[1].key .. " " .. list[#list].key .. " " .. list[#list // 2].order .. " " .. tostring(ok)
end

local function objects()
  local Vector = {}
  Vector.__index = Vector
  Vector.__add = function(a, b) return setmetatable({ x = a.x + b.x, y = a.y + b.y }, Vector) end
  Vector.__eq = function(a, b) return a.x == b.x and a.y == b.y end
  Vector.__call = function(self, k) return setmetatable({ x = self.x * k, y = self.y * k }, Vector) end
  Vector.__tostring = function(v) return string.format("(%.6g, %.6g)", v.x, v.y) end
  local v = setmetatable({ x = 0, y = 0 }, Vector)
  local step = setmetatable({ x = 0.5, y = -0.25 }, Vector)
  for i = 1, 5000 * scale do v = v + step(1 / i) end
  return tostring(v) .. " " .. tostring(step + step == step(2))
end

local function collection()
  local weak = setmetatable({}, { __mode = "v" })
  local finalized, kept = 0, {}
  for i = 1, 2000 * scale do
    local object = setmetatable({ i, tostring(i), { i } }, { __gc = function() finalized = finalized + 1 end })
    weak[i] = object
    if i % 100 == 0 then kept[#kept + 1] = object end
  end
  collectgarbage("collect")
  collectgarbage("collect")
  local alive = 0
  for _ in pairs(weak) do alive = alive + 1 end
  return finalized .. " " .. alive .. " " .. #kept
end

local function queens(n)
  local columns, solutions = {}, 0
  local function place(row)
    if row > n then
      solutions = solutions + 1
      return
    end
    for c = 1, n do
      local free = true
      for r = 1, row - 1 do
        local d = columns[r] - c
        if d == 0 or d == row - r or d == r - row then free = false; break end
      end
      if free then
        columns[row] = c
        place(row + 1)
      end
    end
  end
  place(1)
  return solutions
end

local function numbers()
  local a, b = 0, 1
  for _ = 1, 90 do a, b = b, a + b end
  local x = 0.5
  for _ = 1, 20000 * scale do x = 3.7 * x * (1 - x) end
  return a .. " " .. string.format("%.10g", x) .. " " .. 7 // 2 .. " " .. -7 % 3 .. " " .. (1 << 62) .. " " .. 2 ^ 0.5
end

check("closures", closures())
check("sieve", sieve(20000 * scale))
check("strings", strings())
check("errors", errors())
check("coroutines", coroutines())
check("sorting", sorting())
check("objects", objects())
check("collection", collection())
check("queens", queens(scale > 4 and 8 or 7))
check("numbers", numbers())
local chunk = assert(load("local s = 0; for i = 1, 1000 do s = s + i end; return s"))
check("load", chunk())
