-- Forget runs that are stored; their state stays a little for callers who have not read it yet.
-- KEYS outbox, then one state per run
-- ARGV ms to keep the state, then one id per run
for i = 2, #KEYS do
  redis.call('ZREM', KEYS[1], ARGV[i])
  redis.call('PEXPIRE', KEYS[i], ARGV[1])
end
return #KEYS - 1
