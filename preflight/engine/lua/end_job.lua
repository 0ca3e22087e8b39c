-- Give the turn at a job back, and note the success as its heartbeat.
-- KEYS beat lease
-- ARGV job, holder, 1 if it succeeded
if redis.call('GET', KEYS[2]) == ARGV[2] then redis.call('DEL', KEYS[2]) end
if ARGV[3] ~= '1' then return 0 end
if redis.call('TYPE', KEYS[1]).ok == 'string' then redis.call('DEL', KEYS[1]) end   -- as older versions noted the tick
redis.call('HSET', KEYS[1], ARGV[1], now_ms())
return 1
