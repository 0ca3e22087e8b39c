-- Give a run up: its caller was told NO-GO. A run that is not open yet can never be opened afterwards.
-- KEYS state due outbox numbers
-- ARGV id, name of the check that says why, its answer, the kind of run or '': one that is not open has told no script
-- Returns 1 if this call ended the run (or kept it from opening), 0 if it had ended before.
local keys = { state = KEYS[1], due = KEYS[2], outbox = KEYS[3], numbers = KEYS[4] }
local run = redis.call('HMGET', keys.state, 'end', 'v')
if run[1] then return 0 end
local now = now_ms()
if not run[2] then
  redis.call('HSET', keys.state, 'end', now, 'aborted', 1)
  redis.call('PEXPIRE', keys.state, 600000)
  if ARGV[4] ~= '' then
    count_run(keys, ARGV[4], false)
    count_check(keys, 'failures', ARGV[2])
  end
  return 1
end
answer(keys, ARGV[2], '', 'blocks', ARGV[3])
finish(keys, ARGV[1], now)
return 1
