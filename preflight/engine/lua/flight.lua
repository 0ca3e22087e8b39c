-- The cache of answers, and who asks for all. Prepended to the scripts that drive a run, after `run.lua`'s head.
--   k:<name> in a run: "<key> <ttl ms> <max age ms> <1 if advisory>" of a check whose answer may be kept
--   cache:<key>   answer at as run: an answer kept for its time to live; `as` is what it means where it may block
--   flight:<key>  by name: the run whose execution of the check everybody waits for
--   queue:<key>   "<run> <name>" of those who wait
local BAD_MS = 5000             -- blocking answers are kept for a quarter of the time to live, and no longer than this
local FLIGHT_MS = 3600 * 1000   -- keys of a flight outlive every check

local off   -- " <name> <name> " of the checks that operators have disabled; read when it is first asked for

-- Whether an operator has disabled a check: no kept answer stands for it, and the claim of its message skips it.
local function disabled(keys, name)
  if not off then off = redis.call('HGET', string.sub(keys.due, 1, -4) .. 'settings', 'off') or '' end
  return off ~= '' and string.find(off, ' ' .. name .. ' ', 1, true) ~= nil
end

-- What an answer means for its run, as one word: "blocks" (bad), "answers" (good), "skips"; of an advisory check "fails"
-- (bad) and "advises" (good).
local MARKS = { blocks = 'blocked', answers = 'asked' }
local WHERE_IT_MAY_BLOCK = { fails = 'blocks', advises = 'answers' }

-- Write fields of a run, and with them what an answer means for it.
local function write(keys, meaning, ...)
  if MARKS[meaning] then
    redis.call('HSET', keys.state, MARKS[meaning], 1, ...)
  else
    redis.call('HSET', keys.state, ...)
  end
end

local function flight_keys(keys, key)
  local prefix = string.sub(keys.due, 1, -4)
  return { cache = prefix .. 'cache:' .. key, flight = prefix .. 'flight:' .. key, queue = prefix .. 'queue:' .. key,
    run = prefix .. 'r:' }
end

local function kept_of(keys, name)
  local kept = redis.call('HGET', keys.state, 'k:' .. name)
  if not kept then return nil end
  local key, ttl, max_age, advisory = string.match(kept, '^(%S+) (%d+) (%d+) (%d)$')
  return { key = key, ttl = tonumber(ttl), max_age = tonumber(max_age), advisory = advisory == '1' }
end

-- Take an answer from the cache; false if there is none that is fresh enough.
local function take_cached(keys, name, kept, now, place, since)
  local entry = redis.call('HMGET', flight_keys(keys, kept.key).cache, 'answer', 'at', 'as', 'run')
  if not entry[1] then return false end
  local age = now - entry[2]
  if age >= kept.max_age and not (since and tonumber(entry[2]) >= since) then return false end
  if redis.call('HGET', keys.state, 's:' .. name) ~= place then return false end
  local meaning = not kept.advisory and entry[3]
  write(keys, meaning, 'a:' .. name, entry[1], 's:' .. name, 'd', 'h:' .. name, age .. ' ' .. entry[4])
  count_check(keys, 'cached', name)
  return true
end

-- Whether the run that holds a flight still means to ask, or is asking, its check.
local function flies(names, now)
  local holder = redis.call('HMGET', names.flight, 'by', 'name')
  if not holder[1] then return false end
  local run = redis.call('HMGET', names.run .. holder[1], 's:' .. holder[2], 'end', 'x:' .. holder[2])
  local kind = run[1] and string.sub(run[1], 1, 1)
  if kind == 'q' then return not run[2] end
  if kind ~= 'r' then return false end
  local since = string.match(run[1], '^r %d+ (%d+)')
  return now < since + run[3] + 1000
end

-- Give up the flight of a check that nobody has started: the next who looks takes it.
local function leave_flight(keys, id, name)
  local kept = kept_of(keys, name)
  if not kept then return end
  local flight = flight_keys(keys, kept.key).flight
  if redis.call('HGET', flight, 'by') == id then redis.call('DEL', flight) end
end

-- Keep an answer and say which key's waiters may be woken; '' if it is nobody's to keep.
local function land(keys, id, name, meaning, text, now)
  local kept = kept_of(keys, name)
  if not kept then return '' end
  local names = flight_keys(keys, kept.key)
  if redis.call('HGET', names.flight, 'by') ~= id then return '' end
  redis.call('DEL', names.flight)
  meaning = WHERE_IT_MAY_BLOCK[meaning] or meaning
  redis.call('HSET', names.cache, 'answer', text, 'at', now, 'as', meaning, 'run', id)
  redis.call('PEXPIRE', names.cache, meaning == 'blocks' and math.min(math.ceil(kept.ttl / 4), BAD_MS) or kept.ttl)
  return kept.key
end
