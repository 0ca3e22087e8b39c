-- Look after a check that waits for another run's execution: take its answer, go on waiting, or ask by itself.
-- KEYS state due outbox numbers
-- ARGV id, name, the place it must be in, limit in seconds
-- Returns what to publish, if anything.
local keys = { state = KEYS[1], due = KEYS[2], outbox = KEYS[3], numbers = KEYS[4] }
local run = redis.call('HMGET', keys.state, 'end', 's:' .. ARGV[2])
if run[1] or run[2] ~= ARGV[3] then return end
local now, kept = now_ms(), kept_of(keys, ARGV[2])
if take_cached(keys, ARGV[2], kept, now, ARGV[3], tonumber(string.match(ARGV[3], '^j (%d+)$'))) then
  advance(keys, ARGV[1], now)
elseif not flies(flight_keys(keys, kept.key), now) and not joins(keys, ARGV[1], ARGV[2], kept, now) then
  push(keys, ARGV[1], { { ARGV[2], ARGV[4] } }, 1, now)
end
return published
