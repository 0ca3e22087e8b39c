-- Open a run and send its first tier. Idempotent by id: opening twice opens once.
-- KEYS state due outbox numbers alive
-- ARGV id, time to live ms, milliseconds after which a worker's heartbeat is old, then field, value, ...
-- Returns {opened ms, live workers, 1 if this call opened it, what to publish if anything}; {0, 0, 0}: aborted.
local keys = { state = KEYS[1], due = KEYS[2], outbox = KEYS[3], numbers = KEYS[4] }
local id, now = ARGV[1], now_ms()
local known = redis.call('HMGET', keys.state, 'opened', 'alive')
if known[1] then return { tonumber(known[1]), tonumber(known[2]), 0 } end
if redis.call('EXISTS', keys.state) == 1 then return { 0, 0, 0 } end
local alive = redis.call('ZCOUNT', KEYS[5], now - ARGV[3], '+inf')
redis.call('HSET', keys.state, 'opened', now, 'deadline', now + ARGV[2], 'alive', alive, 'blocked', 0, unpack(ARGV, 4))
redis.call('PEXPIRE', keys.state, ARGV[2] + ENDED_MS)
open_tier(keys, id, 0, now)
return { now, alive, 1, published }
