-- Shared by the scripts that drive a run. Prepended to each of them; has no keys of its own.
-- A run is one hash. Its fields:
--   v mode policy opened deadline queue template inbox task context plan tiers tier left blocked end
--   t:<tier>   its checks as "name|limit", limit in seconds; "name|!" was answered at planning and blocks,
--              "name|." was answered at planning and does not
--   c:<name>   what a worker needs to ask the check   s:<name>  where the check is, as one of
--              "q <number> <ms> <attempt>" in the queue, "r <number> <ms> <attempt> <worker>" running, "d" done
--   x:<name>   its timeout in ms   w:<name>  its wait in the queue in ms   a:<name>  its answer, written once
local ENDED_MS = 7 * 24 * 3600 * 1000   -- a finished run waits this long to be stored

local function finish(keys, id, now)
  redis.call('HSET', keys.state, 'end', now)
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
  local words = { run = id, name = name, number = number, limit = limit }
  redis.call('LPUSH', run[1], (string.gsub(run[2], '@(%a+)@', words)))
end

-- Open tiers from `tier` on until one has something to wait for; finish when none has.
local function open_tier(keys, id, tier, now)
  local run = redis.call('HMGET', keys.state, 'tiers', 'policy', 'blocked')
  local tiers, policy, blocked = tonumber(run[1]), run[2], run[3] == '1'
  while tier < tiers do
    local checks, left = redis.call('HGET', keys.state, 't:' .. tier), 0
    redis.call('HSET', keys.state, 'tier', tier)
    for _, limit in string.gmatch(checks, '([^ |]+)|([^ ]+)') do
      if limit == '!' then blocked = true elseif limit ~= '.' then left = left + 1 end
    end
    if blocked then redis.call('HSET', keys.state, 'blocked', 1) end
    if blocked and policy == 'check' then return finish(keys, id, now) end
    if left > 0 then
      redis.call('HSET', keys.state, 'left', left)
      for name, limit in string.gmatch(checks, '([^ |]+)|([^ ]+)') do
        if limit ~= '!' and limit ~= '.' then push(keys, id, name, limit, 1, now) end
      end
      redis.call('ZADD', keys.due, now + LOOK_MS, id)
      return
    end
    if blocked and policy == 'tier' then return finish(keys, id, now) end
    tier = tier + 1
  end
  return finish(keys, id, now)
end

-- Write one answer, unless the check has one. `expected` is the place it must be in, or '' for any.
local function answer(keys, name, expected, blocks, text)
  local place = redis.call('HGET', keys.state, 's:' .. name)
  if place == 'd' or (expected ~= '' and place ~= expected) then return false end
  redis.call('HSET', keys.state, 'a:' .. name, text, 's:' .. name, 'd')
  if blocks == '1' then redis.call('HSET', keys.state, 'blocked', 1) end
  return true
end
