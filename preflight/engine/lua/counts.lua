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

-- Return the label of a word: itself, or "other" when as many words as there may be have labels already.
local function label(counts, kind, word, most)
  local field = 'label|' .. kind .. '|' .. word
  if redis.pcall('HEXISTS', counts, field) == 1 then return word end
  if (tonumber(redis.pcall('HGET', counts, 'labels|' .. kind)) or 0) >= most then return 'other' end
  redis.pcall('HSET', counts, field, 1, 'note', NOTE)
  redis.pcall('HINCRBY', counts, 'labels|' .. kind, 1)
  return word
end

-- Add to a number of a word's. Only what may be the first of its name is looked at: it may have to go to another label.
local function add(keys, by, kind, most, word, before, after)
  local counts = counts_of(keys)
  if redis.pcall('HINCRBY', counts, before .. word .. after, by) ~= by then return word end
  local own = label(counts, kind, word, most)
  if own ~= word then
    redis.pcall('HDEL', counts, before .. word .. after)
    redis.pcall('HINCRBY', counts, before .. own .. after, by)
  end
  return own
end

local function count_check(keys, what, name) add(keys, 1, 'check', MOST_CHECKS, name, what .. '|', '') end

local function count_run(keys, kind, go)
  local mode, event, known = string.match(kind, '^(%a+) ([%w_]+) (%d)')
  if not mode then return end   -- opened by a version that did not say
  local most = known == '1' and MOST_EVENTS or MOST_UNKNOWN
  add(keys, 1, 'event', most, event, 'runs|' .. mode .. '|', '|' .. tostring(go))
end

local function count_in_bucket(keys, what, us)
  local bucket = 'inf'
  for _, bound in ipairs(BOUNDS_MS) do
    if us <= bound * 1000 then
      bucket = bound
      break
    end
  end
  redis.pcall('HINCRBY', counts_of(keys), what .. '|' .. bucket, 1)
end

local function observe_duration(keys, name, us)
  count_in_bucket(keys, 'duration|' .. add(keys, us, 'check', MOST_CHECKS, name, 'duration|', '|us'), us)
end

local function observe_wait(keys, queue, us)
  us = math.max(us, 0)   -- Redis' clock may have been set back
  redis.pcall('HINCRBY', counts_of(keys), 'wait|' .. queue .. '|us', us)
  count_in_bucket(keys, 'wait|' .. queue, us)
end

