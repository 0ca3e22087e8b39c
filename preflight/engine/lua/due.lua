-- Take the runs that are due for a look, and put them off until the next one.
-- KEYS due lease
-- ARGV holder, lease ms, most runs at once
-- Returns {now ms, id, ...}; nothing when another holder has the lease.
local now = now_ms()
local holder = redis.call('GET', KEYS[2])
if holder and holder ~= ARGV[1] then return false end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
local ids = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[3])
for _, id in ipairs(ids) do redis.call('ZADD', KEYS[1], now + LOOK_MS, id) end
return { now, unpack(ids) }
