-- Start a check: mandatory before it is asked, so that a message is only a hint.
-- KEYS state due numbers settings
-- ARGV id, name, number of the message, worker, ms after a check's timeout at which the watchdog answers for it
-- Its wait in the queue is counted.
-- Returns {context, check, ms until the run's deadline}, or nothing: the run is over or another has the check; or
--   {place}: an operator has disabled the check meanwhile, so that it is to be skipped where it is.
local run = redis.call('HMGET', KEYS[1], 's:' .. ARGV[2], 'end', 'context', 'c:' .. ARGV[2], 'deadline', 'queue',
  'x:' .. ARGV[2])
local place, ended = run[1], run[2]
if ended or not place or string.sub(place, 1, 1) ~= 'q' then return false end
local off = redis.call('HGET', KEYS[4], 'off')
if off and string.find(off, ' ' .. ARGV[2] .. ' ', 1, true) then return { place } end
local now = now_ms()
local number, since, attempt = string.match(place, '^q (%d+) (%d+) (%d+)$')
redis.call('HSET', KEYS[1], 's:' .. ARGV[2], 'r ' .. number .. ' ' .. now .. ' ' .. attempt .. ' ' .. ARGV[4],
  'w:' .. ARGV[2], now - since)
observe_wait({ due = KEYS[2] }, run[6], (now - since) * 1000)
local seen = tonumber(redis.call('HGET', KEYS[3], 'seen:' .. run[6]) or 0)
if tonumber(ARGV[3]) > seen then redis.call('HSET', KEYS[3], 'seen:' .. run[6], ARGV[3]) end
redis.call('ZADD', KEYS[2], 'XX', 'LT', now + run[7] + ARGV[5], ARGV[1])
return { run[3], run[4], run[5] - now }
