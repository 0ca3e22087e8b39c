-- Weigh finished runs that are not stored yet, from a place in the outbox on, while holding the lease.
-- KEYS outbox lease
-- ARGV holder, lease ms, place of the first, most runs at once, what a state's key begins with, the light runs' queue
-- Returns {id, bytes, 1 if it is light} for each, oldest first; nothing when another holder has the lease.
local holder = redis.call('GET', KEYS[2])
if holder and holder ~= ARGV[1] then return false end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
local weights = {}
for i, id in ipairs(redis.call('ZRANGE', KEYS[1], ARGV[3], ARGV[3] + ARGV[4] - 1)) do
  local state = ARGV[5] .. id
  local bytes = redis.call('MEMORY', 'USAGE', state, 'SAMPLES', 0) or 0
  weights[i] = { id, bytes, redis.call('HGET', state, 'queue') == ARGV[6] and 1 or 0 }
end
return weights
