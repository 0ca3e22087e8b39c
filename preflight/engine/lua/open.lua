-- Open a run and send its first tier. Idempotent by id: opening twice opens once.
-- KEYS state due outbox numbers alive settings
-- ARGV id, time to live ms, milliseconds after which a worker's heartbeat is old, version of the operators' changes that
--   the run was planned with, then field, value, ...
-- Returns {opened ms, live workers, 1 if this call opened it, what to publish if anything}; {0, 0, 0}: aborted;
--   {-1, version, changes}: nothing was opened, since other changes are in force than its planner knew. A Redis that has
--   lost them says nothing: what the planner knows goes on until a worker publishes the table again.
local keys = { state = KEYS[1], due = KEYS[2], outbox = KEYS[3], numbers = KEYS[4] }
local id, now = ARGV[1], now_ms()
local known = redis.call('HMGET', keys.state, 'opened', 'alive')
if known[1] then return { tonumber(known[1]), tonumber(known[2]), 0 } end
if redis.call('EXISTS', keys.state) == 1 then return { 0, 0, 0 } end
local changed = redis.call('HMGET', KEYS[6], 'version', 'off')
if changed[1] and changed[1] ~= ARGV[4] then
  return { -1, tonumber(changed[1]), redis.call('HGET', KEYS[6], 'changes') }
end
off = changed[2] or ''
local alive = redis.call('ZCOUNT', KEYS[5], now - ARGV[3], '+inf')
redis.call('HSET', keys.state, 'opened', now, 'deadline', now + ARGV[2], 'alive', alive, 'blocked', 0, unpack(ARGV, 5))
redis.call('PEXPIRE', keys.state, ARGV[2] + ENDED_MS)
open_tier(keys, id, 0, now)
return { now, alive, 1, published }
