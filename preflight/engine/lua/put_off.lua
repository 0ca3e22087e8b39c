-- Have finished runs that the store does not take yet wait behind the others. Their states live no longer for it.
-- KEYS outbox
-- ARGV ms to wait, then one id per run
local until_ms = PUT_OFF + now_ms() + ARGV[1]
for i = 2, #ARGV do redis.call('ZADD', KEYS[1], 'XX', until_ms, ARGV[i]) end
return #ARGV - 1
