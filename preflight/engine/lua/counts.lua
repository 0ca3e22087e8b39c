-- What is counted of runs and checks, in one hash. Prepended to the scripts that drive a run and to `claim`.
-- Counting goes through pcall: whatever is wrong with the hash stops no run.
--   runs|<mode>|<event>|<true or false>   failures|<check>   skipped|<check>   cached|<check>   late|<check>
--   duration|<check>|<at most ms>, wait|<queue>|<at most ms>: observations above the bound before; "inf": above all
--   duration|<check>|us, wait|<queue>|us: their sum in microseconds
--   label|<kind>|<word>: a word with counts of its own   labels|<kind>: how many such words there are
local BOUNDS_MS = { 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000 }
local MOST_CHECKS = 190   -- with `other` under 200 label combinations
local MOST_EVENTS = 45    -- times two modes and two verdicts, likewise
local MOST_UNKNOWN = 22   -- made-up event types must not use up what the known ones need
-- A small hash is a list that Redis searches from its beginning; one value of over 64 bytes makes it a table.
local NOTE = 'Counted by the scripts in preflight/engine/lua, described in docs/reference/metrics.md.'

local function counts_of(keys) return string.sub(keys.due, 1, -4) .. 'counts' end

local function count(keys, field) redis.pcall('HINCRBY', counts_of(keys), field, 1) end

-- Return the label of a word: itself, or "other" when as many words as there may be have labels already.
local function label(keys, kind, word, most)
  local counts, field = counts_of(keys), 'label|' .. kind .. '|' .. word
  if redis.pcall('HEXISTS', counts, field) == 1 then return word end
  if (tonumber(redis.pcall('HGET', counts, 'labels|' .. kind)) or 0) >= most then return 'other' end
  redis.pcall('HSET', counts, field, 1, 'note', NOTE)
  redis.pcall('HINCRBY', counts, 'labels|' .. kind, 1)
  return word
end

local function check_label(keys, name) return label(keys, 'check', name, MOST_CHECKS) end

local function count_check(keys, what, name) count(keys, what .. '|' .. check_label(keys, name)) end

local function count_run(keys, kind, go)
  local mode, event, known = string.match(kind, '^(%a+) ([%w_]+) (%d)')
  if not mode then return end   -- opened by a version that did not say
  local word = label(keys, 'event', event, known == '1' and MOST_EVENTS or MOST_UNKNOWN)
  count(keys, 'runs|' .. mode .. '|' .. word .. '|' .. tostring(go))
end

local function observe(keys, what, us)
  local counts, bucket = counts_of(keys), 'inf'
  us = math.max(us, 0)   -- Redis' clock may have been set back
  for _, bound in ipairs(BOUNDS_MS) do
    if us <= bound * 1000 then
      bucket = bound
      break
    end
  end
  redis.pcall('HINCRBY', counts, what .. '|' .. bucket, 1)
  redis.pcall('HINCRBY', counts, what .. '|us', us)
end

