-- Take the turn at a job of beat's: when nobody is at it, and it was not done a short while ago.
-- KEYS beat lease
-- ARGV job, ms after its last success in which it is not due again, lease ms, holder
-- Returns 1 if it is the caller's turn.
if redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
local now, last = now_ms(), nil
if redis.call('TYPE', KEYS[1]).ok == 'hash' then last = tonumber(redis.call('HGET', KEYS[1], ARGV[1])) end
if last and last <= now and now - last < tonumber(ARGV[2]) then return 0 end
redis.call('SET', KEYS[2], ARGV[4], 'PX', ARGV[3])
return 1
