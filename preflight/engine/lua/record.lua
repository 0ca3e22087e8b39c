-- Write a check's answer once, and take the run as far as that allows: the next tier, or its end.
-- KEYS state due outbox numbers
-- ARGV id, name, the place the check must be in or '', 1 if the answer blocks, 1 if it is not good, answer
-- Returns {1 if the answer was taken (0: the check had one or the run was over), key whose waiters may be woken or '',
--   what to publish if anything}.
local keys = { state = KEYS[1], due = KEYS[2], outbox = KEYS[3], numbers = KEYS[4] }
local run = redis.call('HMGET', keys.state, 'end', 'v')
if not run[2] then return { 0, '' } end
local now = now_ms()
if run[1] then
  -- Too late for this run; others may wait for the same answer.
  if ARGV[3] ~= '' then return { 0, '' } end
  return { 0, land(keys, ARGV[1], ARGV[2], ARGV[5], ARGV[6], now) }
end
if not answer(keys, ARGV[2], ARGV[3], ARGV[4], ARGV[6]) then return { 0, '' } end
local landed = land(keys, ARGV[1], ARGV[2], ARGV[5], ARGV[6], now)
advance(keys, ARGV[1], now)
return { 1, landed, published }
