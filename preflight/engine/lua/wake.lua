-- Give a kept answer to some of those who wait for it.
-- KEYS state (unused) due outbox numbers
-- ARGV key, most at once
-- Returns {how many were taken from the queue (0: nobody waits any more), what to publish if anything}.
local keys = { due = KEYS[2], outbox = KEYS[3], numbers = KEYS[4] }
local names, now = flight_keys(keys, ARGV[1]), now_ms()
local taken = redis.call('LPOP', names.queue, ARGV[2]) or {}
for _, waiter in ipairs(taken) do
  local id, name = string.match(waiter, '^(%S+) (%S+)$')
  keys.state = names.run .. id
  local run = redis.call('HMGET', keys.state, 's:' .. name, 'end')
  local since = run[1] and tonumber(string.match(run[1], '^j (%d+)$'))
  if since and not run[2] then
    local kept = kept_of(keys, name)
    if take_cached(keys, name, kept, now, run[1], since) then advance(keys, id, now) end
  end
end
return { #taken, published }
