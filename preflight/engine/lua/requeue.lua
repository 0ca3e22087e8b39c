-- Send a check again whose message or worker was lost.
-- KEYS state due outbox numbers
-- ARGV id, name, the place it must be in, limit in seconds
-- Returns {1 if it was sent, what to publish if anything}.
local keys = { state = KEYS[1], due = KEYS[2], outbox = KEYS[3], numbers = KEYS[4] }
local run = redis.call('HMGET', keys.state, 'end', 's:' .. ARGV[2])
if run[1] or run[2] ~= ARGV[3] then return { 0 } end
local attempt = string.match(ARGV[3], '^%a %d+ %d+ (%d+)')
if string.sub(ARGV[3], 1, 1) == 'r' then attempt = attempt + 1 end
push(keys, ARGV[1], { { ARGV[2], ARGV[4] } }, attempt, now_ms())
return { 1, published }
