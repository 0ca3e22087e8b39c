-- Take finished runs that are not stored yet, oldest first, while holding the lease.
-- KEYS outbox lease
-- ARGV holder, lease ms, most runs at once
local holder = redis.call('GET', KEYS[2])
if holder and holder ~= ARGV[1] then return {} end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
return redis.call('ZRANGE', KEYS[1], 0, ARGV[3] - 1)
