-- Forget runs that no store will have: their reports were logged. Each is counted once, whoever comes twice.
-- KEYS outbox numbers, then one state per run
-- ARGV name of the count, ms after its end for which a state stays, then one id per run
-- Returns how many were still in the outbox.
local dropped, now = 0, now_ms()
for i = 3, #KEYS do
  if redis.call('ZREM', KEYS[1], ARGV[i]) == 1 then
    dropped = dropped + 1
    local left = (redis.call('HGET', KEYS[i], 'end') or 0) + ARGV[2] - now
    if left > 0 then redis.call('PEXPIRE', KEYS[i], left) else redis.call('UNLINK', KEYS[i]) end
  end
end
if dropped > 0 then redis.call('HINCRBY', KEYS[2], ARGV[1], dropped) end
return dropped
