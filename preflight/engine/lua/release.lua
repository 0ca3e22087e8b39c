-- Give a claimed check back: this worker cannot ask it and another one can. The watchdog sends it again.
-- KEYS state
-- ARGV name, worker
-- Returns 1 if the worker had it.
local run = redis.call('HMGET', KEYS[1], 's:' .. ARGV[1], 'end')
local number, attempt, worker = string.match(run[1] or '', '^r (%d+) %d+ (%d+) (.+)$')
if run[2] or worker ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], 's:' .. ARGV[1], 'q ' .. number .. ' ' .. now_ms() .. ' ' .. attempt)
return 1
