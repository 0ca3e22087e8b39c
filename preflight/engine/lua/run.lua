-- Shared by the scripts that drive a run. Prepended to each of them; has no keys of its own.
-- A run is one hash. Its fields:
--   v mode policy opened deadline queue template inbox task context plan settings tiers tier left blocked asked end
--   kind       "<mode> <event type> <1 if it is known> <1 if a live worker is a must>", for counting
--   advisory   " <name> <name> ", its advisory checks
--   t:<tier>   its checks as "name|limit", limit in seconds; planning answered "name|!", which blocks,
--              "name|-", which failed and does not, and "name|.", which is skipped
--   c:<name>   what a worker needs to ask the check   s:<name>  where the check is, as one of
--              "q <number> <ms> <attempt>" in the queue, "r <number> <ms> <attempt> <worker>" running,
--              "j <ms>" waiting for another run's execution, "d" done
--   x:<name>   its timeout in ms   w:<name>  its wait in the queue in ms   a:<name>  its answer, written once
--   h:<name>   "<age ms> <run>" of an answer that another run asked for
--   l:<name>   1 once an execution answered too late
local published   -- "<id> <name> <number> <limit> <queue>" of each message that the caller has to publish, nil without
local ENDED_MS = 7 * 24 * 3600 * 1000   -- a finished run waits this long to be stored

local function checks_of(keys, tier)
  return string.gmatch(redis.call('HGET', keys.state, 't:' .. tier) or '', '([^ |]+)|([^ ]+)')
end

-- What is counted of an answer by what it means, and of planning's by its mark in the tier.
local COUNTED = { blocks = 'failures', fails = 'failures', skips = 'skipped' }
local PLANNED = { ['!'] = 'failures', ['-'] = 'failures', ['.'] = 'skipped' }

-- Count a check that its run ends without; whether that stands in the way of a GO.
local function miss(keys, name, blocked, advisory)
  count_check(keys, blocked and 'skipped' or 'failures', name)
  return not string.find(advisory or '', ' ' .. name .. ' ', 1, true)
end

-- Leave what has not answered as it is; whether that stands in the way of a GO, as it does if nothing else does.
local function leave_rest(keys, id, run)
  local first, missed = tonumber(run[1] or 0), false
  for tier = first, run[2] - 1 do
    for name, limit in checks_of(keys, tier) do
      local planned, place = tier > first and PLANNED[limit], redis.call('HGET', keys.state, 's:' .. name) or ''
      if string.sub(place, 1, 1) == 'q' then leave_flight(keys, id, name) end
      if planned and limit ~= '!' then
        count_check(keys, planned, name)
      elseif planned or place ~= 'd' then
        missed = miss(keys, name, run[3] == '1', run[6]) or missed
      end
    end
  end
  return missed
end

-- Whether the run wants a live worker, and none was there when it opened nor came later.
local function without_worker(keys, kind, alive)
  if alive ~= '0' or not string.find(kind, ' 1$') then return false end
  if redis.call('HEXISTS', keys.state, 'a:workers') == 1 then return false end
  for _, field in ipairs(redis.call('HKEYS', keys.state)) do
    if string.sub(field, 1, 2) == 'w:' then return false end
  end
  count_check(keys, 'failures', 'workers')
  return true
end

local function finish(keys, id, now)
  redis.call('HSET', keys.state, 'end', now)
  local run = redis.call('HMGET', keys.state, 'tier', 'tiers', 'blocked', 'asked', 'kind', 'advisory', 'alive',
    'inbox')
  local kind = run[5] or ''
  local missed, alone = leave_rest(keys, id, run), without_worker(keys, kind, run[7])
  count_run(keys, kind, run[3] ~= '1' and run[4] == '1' and not missed and not alone)
  redis.call('PEXPIRE', keys.state, ENDED_MS)
  redis.call('ZREM', keys.due, id)
  redis.call('ZADD', keys.outbox, now, id)
  local inbox = run[8]
  if inbox and inbox ~= '' then
    redis.call('RPUSH', inbox, id)
    redis.call('PEXPIRE', inbox, 60000)
  end
end

-- Split a template at its marks: texts at odd places, the marks' names at even ones.
local function pieces_of(template)
  local pieces, from = {}, 1
  for at, word, to in string.gmatch(template, '()@(%a+)@()') do
    pieces[#pieces + 1] = string.sub(template, from, at - 1)
    pieces[#pieces + 1] = word
    from = to
  end
  pieces[#pieces + 1] = string.sub(template, from)
  return pieces
end

local function filled(pieces, words)
  local text = {}
  for place, piece in ipairs(pieces) do text[place] = place % 2 == 0 and words[piece] or piece end
  return table.concat(text)
end

-- Send the messages of checks, each {name, limit}, and note where they are.
local function push(keys, id, checks, attempt, now)
  if #checks == 0 then return end
  local run = redis.call('HMGET', keys.state, 'queue', 'template')
  local number = redis.call('HINCRBY', keys.numbers, 'sent:' .. run[1], #checks) - #checks
  local pieces, places, messages = pieces_of(run[2]), {}, {}
  for _, check in ipairs(checks) do
    number = number + 1
    places[#places + 1] = 's:' .. check[1]
    places[#places + 1] = 'q ' .. number .. ' ' .. now .. ' ' .. attempt
    if run[2] == '' then   -- no template: the broker is out of a script's reach
      published = published or {}
      published[#published + 1] = table.concat({ id, check[1], number, check[2], run[1] }, ' ')
    else
      messages[#messages + 1] = filled(pieces, { run = id, name = check[1], number = number, limit = check[2] })
    end
  end
  redis.call('HSET', keys.state, unpack(places))
  if #messages > 0 then redis.call('LPUSH', run[1], unpack(messages)) end
end

-- Whether a check with a kept answer is left to the run that is asking already; if none is, this run is from now on.
local function joins(keys, id, name, kept, now)
  if not kept then return false end
  local names = flight_keys(keys, kept.key)
  if flies(names, now) then
    redis.call('HSET', keys.state, 's:' .. name, 'j ' .. now)
    redis.call('RPUSH', names.queue, id .. ' ' .. name)
    redis.call('PEXPIRE', names.queue, FLIGHT_MS)
    return true
  end
  redis.call('HSET', names.flight, 'by', id, 'name', name)
  redis.call('PEXPIRE', names.flight, FLIGHT_MS)
  return false
end

-- Answer what planning or the cache answers; return the others, to be asked.
local function settle(keys, tier, now)
  local open = {}
  for name, limit in checks_of(keys, tier) do
    local kept = not PLANNED[limit] and not disabled(keys, name) and kept_of(keys, name)
    if PLANNED[limit] then
      if limit == '!' then redis.call('HSET', keys.state, 'blocked', 1) end
      count_check(keys, PLANNED[limit], name)
    elseif not (kept and take_cached(keys, name, kept, now, false)) then
      open[#open + 1] = { name, limit, kept }
    end
  end
  return open
end

-- Open tiers from `tier` on until one has something to wait for; finish when none has.
local function open_tier(keys, id, tier, now)
  local run = redis.call('HMGET', keys.state, 'tiers', 'policy')
  while tier < tonumber(run[1]) do
    redis.call('HSET', keys.state, 'tier', tier)
    local open = settle(keys, tier, now)
    local blocked = redis.call('HGET', keys.state, 'blocked') == '1'
    if blocked and run[2] == 'check' then return finish(keys, id, now) end
    if #open > 0 then
      redis.call('HSET', keys.state, 'left', #open)
      local asked = {}
      for _, check in ipairs(open) do
        if not joins(keys, id, check[1], check[3], now) then asked[#asked + 1] = check end
      end
      push(keys, id, asked, 1, now)
      redis.call('ZADD', keys.due, now + LOOK_MS, id)
      return
    end
    if blocked and run[2] == 'tier' then return finish(keys, id, now) end
    tier = tier + 1
  end
  return finish(keys, id, now)
end

-- Take a run as far as one more answer allows: the next tier, or its end.
local function advance(keys, id, now)
  local run = redis.call('HMGET', keys.state, 'policy', 'tier', 'blocked')
  local left = redis.call('HINCRBY', keys.state, 'left', -1)
  if run[3] == '1' and (run[1] == 'check' or (run[1] == 'tier' and left == 0)) then
    finish(keys, id, now)
  elseif left == 0 then
    open_tier(keys, id, tonumber(run[2]) + 1, now)
  end
end

-- Write one answer, unless the check has one. `expected` is the place it must be in, or '' for any.
local function answer(keys, name, expected, meaning, text)
  local place = redis.call('HGET', keys.state, 's:' .. name)
  if place == 'd' or (expected ~= '' and place ~= expected) then return false end
  write(keys, meaning, 'a:' .. name, text, 's:' .. name, 'd')
  if COUNTED[meaning] then count_check(keys, COUNTED[meaning], name) end
  return true
end
