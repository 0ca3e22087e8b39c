-- Write a check's answer once, and take the run as far as that allows: the next tier, or its end.
-- KEYS state due outbox numbers
-- ARGV id, name, the place the check must be in or '', what the answer means, the execution's microseconds or '', answer
-- Returns {1 if the answer was taken (0: the check had one or the run was over), key whose waiters may be woken or '',
--   what to publish if anything}.
local keys = { state = KEYS[1], due = KEYS[2], outbox = KEYS[3], numbers = KEYS[4] }
local run = redis.call('HMGET', keys.state, 'end', 'v')
if not run[2] then return { 0, '' } end
local now = now_ms()

-- Count an execution once. A worker whose reply was lost hands in the very same answer again.
local function count_execution(in_time)
  if ARGV[5] == '' then return end
  if not in_time then
    if redis.call('HGET', keys.state, 'a:' .. ARGV[2]) == ARGV[6] then return end
    if redis.call('HSETNX', keys.state, 'l:' .. ARGV[2], 1) == 0 then return end
    count_check(keys, 'late', ARGV[2])
  end
  observe_duration(keys, ARGV[2], tonumber(ARGV[5]))
end

if run[1] then
  -- Too late for this run; others may wait for the same answer.
  if ARGV[3] ~= '' then return { 0, '' } end
  count_execution(false)
  return { 0, land(keys, ARGV[1], ARGV[2], ARGV[4], ARGV[6], now) }
end
local taken = answer(keys, ARGV[2], ARGV[3], ARGV[4], ARGV[6])
count_execution(taken)
if not taken then return { 0, '' } end
local landed = land(keys, ARGV[1], ARGV[2], ARGV[4], ARGV[6], now)
advance(keys, ARGV[1], now)
return { 1, landed, published }
