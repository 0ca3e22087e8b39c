-- Shared by the scripts that drive a run. Prepended to each of them; has no keys of its own.
-- A run is one hash. Its fields:
--   v mode policy opened deadline queue template inbox task context plan tiers tier left blocked end
--   t:<tier>   its checks as "name|limit", limit in seconds; "name|!" was answered at planning and blocks,
--              "name|." was answered at planning and does not
--   c:<name>   what a worker needs to ask the check   s:<name>  where the check is, as one of
--              "q <number> <ms> <attempt>" in the queue, "r <number> <ms> <attempt> <worker>" running,
--              "j <ms>" waiting for another run's execution, "d" done
--   x:<name>   its timeout in ms   w:<name>  its wait in the queue in ms   a:<name>  its answer, written once
--   h:<name>   "<age ms> <run>" of an answer that another run asked for
local published   -- "<id> <name> <number> <limit> <queue>" of each message that the caller has to publish, nil without
local ENDED_MS = 7 * 24 * 3600 * 1000   -- a finished run waits this long to be stored

local function checks_of(keys, tier)
  return string.gmatch(redis.call('HGET', keys.state, 't:' .. tier) or '', '([^ |]+)|([^ ]+)')
end

local function finish(keys, id, now)
  redis.call('HSET', keys.state, 'end', now)
  for name in checks_of(keys, redis.call('HGET', keys.state, 'tier') or '') do
    if string.sub(redis.call('HGET', keys.state, 's:' .. name) or '', 1, 1) == 'q' then leave_flight(keys, id, name) end
  end
  redis.call('PEXPIRE', keys.state, ENDED_MS)
  redis.call('ZREM', keys.due, id)
  redis.call('ZADD', keys.outbox, now, id)
  local inbox = redis.call('HGET', keys.state, 'inbox')
  if inbox and inbox ~= '' then
    redis.call('RPUSH', inbox, id)
    redis.call('PEXPIRE', inbox, 60000)
  end
end

local function push(keys, id, name, limit, attempt, now)
  local run = redis.call('HMGET', keys.state, 'queue', 'template')
  local number = redis.call('HINCRBY', keys.numbers, 'sent:' .. run[1], 1)
  redis.call('HSET', keys.state, 's:' .. name, 'q ' .. number .. ' ' .. now .. ' ' .. attempt)
  if run[2] == '' then   -- no template: the broker is out of a script's reach
    published = published or {}
    published[#published + 1] = table.concat({ id, name, number, limit, run[1] }, ' ')
    return
  end
  local words = { run = id, name = name, number = number, limit = limit }
  redis.call('LPUSH', run[1], (string.gsub(run[2], '@(%a+)@', words)))
end

-- Have a check asked: by this run, or by the one that is asking already. From the cache if that is fresh enough.
local function ask(keys, id, name, limit, now)
  local kept = kept_of(keys, name)
  if not kept then return push(keys, id, name, limit, 1, now) end
  local names = flight_keys(keys, kept.key)
  if flies(names, now) then
    redis.call('HSET', keys.state, 's:' .. name, 'j ' .. now)
    redis.call('RPUSH', names.queue, id .. ' ' .. name)
    redis.call('PEXPIRE', names.queue, FLIGHT_MS)
    return
  end
  redis.call('HSET', names.flight, 'by', id, 'name', name)
  redis.call('PEXPIRE', names.flight, FLIGHT_MS)
  push(keys, id, name, limit, 1, now)
end

-- Answer what planning or the cache answers; return the others, to be asked.
local function settle(keys, tier, now)
  local open = {}
  for name, limit in checks_of(keys, tier) do
    local kept = limit ~= '!' and limit ~= '.' and kept_of(keys, name)
    if limit == '!' then
      redis.call('HSET', keys.state, 'blocked', 1)
    elseif limit ~= '.' and not (kept and take_cached(keys, name, kept, now, false)) then
      open[#open + 1] = { name, limit }
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
      for _, check in ipairs(open) do ask(keys, id, check[1], check[2], now) end
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
local function answer(keys, name, expected, blocks, text)
  local place = redis.call('HGET', keys.state, 's:' .. name)
  if place == 'd' or (expected ~= '' and place ~= expected) then return false end
  redis.call('HSET', keys.state, 'a:' .. name, text, 's:' .. name, 'd')
  if blocks == '1' then redis.call('HSET', keys.state, 'blocked', 1) end
  return true
end
