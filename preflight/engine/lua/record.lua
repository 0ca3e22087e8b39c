-- Write a check's answer once, and take the run as far as that allows: the next tier, or its end.
-- KEYS state due outbox numbers
-- ARGV id, name, the place the check must be in or '', 1 if the answer blocks, answer
-- Returns 1 if the answer was taken, 0 if the check had one or the run was over.
local keys = { state = KEYS[1], due = KEYS[2], outbox = KEYS[3], numbers = KEYS[4] }
local run = redis.call('HMGET', keys.state, 'end', 'policy', 'tier', 'v')
if run[1] or not run[4] or not answer(keys, ARGV[2], ARGV[3], ARGV[4], ARGV[5]) then return 0 end
local now, policy = now_ms(), run[2]
local left = redis.call('HINCRBY', keys.state, 'left', -1)
local blocked = redis.call('HGET', keys.state, 'blocked') == '1'
if blocked and (policy == 'check' or (policy == 'tier' and left == 0)) then
  finish(keys, ARGV[1], now)
elseif left == 0 then
  open_tier(keys, ARGV[1], tonumber(run[3]) + 1, now)
end
return 1
