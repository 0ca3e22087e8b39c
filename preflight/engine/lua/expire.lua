-- End a run whose time is over: write the given answers where there is none yet, and finish.
-- KEYS state due outbox numbers
-- ARGV id, 1 if it is over by its caller's clock, then name, what its answer means, answer, ...
-- An ended or unknown run stays as it is.
-- Returns 1 if this call ended the run.
local keys = { state = KEYS[1], due = KEYS[2], outbox = KEYS[3], numbers = KEYS[4] }
local run = redis.call('HMGET', keys.state, 'end', 'v', 'deadline')
if not run[2] then
  redis.call('ZREM', keys.due, ARGV[1])
  return 0
end
local now = now_ms()
if run[1] or (ARGV[2] ~= '1' and now < tonumber(run[3])) then return 0 end
for i = 3, #ARGV, 3 do answer(keys, ARGV[i], '', ARGV[i + 1], ARGV[i + 2]) end
finish(keys, ARGV[1], now)
return 1
