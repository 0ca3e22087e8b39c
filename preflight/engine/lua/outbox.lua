-- Take finished runs that are not stored yet, oldest first, while holding the lease; put-off ones last, once due.
-- KEYS outbox lease
-- ARGV holder, lease ms, most runs at once
local holder = redis.call('GET', KEYS[2])
if holder and holder ~= ARGV[1] then return {} end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
local runs = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', '(' .. PUT_OFF, 'LIMIT', 0, ARGV[3])
if #runs == 0 then
  runs = redis.call('ZRANGEBYSCORE', KEYS[1], PUT_OFF, PUT_OFF + now_ms(), 'LIMIT', 0, ARGV[3])
end
return runs
