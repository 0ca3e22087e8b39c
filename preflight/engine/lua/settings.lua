-- Publish what operators have changed, as a whole. Doing it again changes nothing, nor does an older version.
-- KEYS settings
-- ARGV version, changes as JSON, " <name> <name> " of the checks that are disabled
-- Returns the version that is published now.
local known = tonumber(redis.call('HGET', KEYS[1], 'version') or 0)
if known >= tonumber(ARGV[1]) then return known end
redis.call('HSET', KEYS[1], 'version', ARGV[1], 'changes', ARGV[2], 'off', ARGV[3])
return tonumber(ARGV[1])
