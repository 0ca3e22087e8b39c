-- Prepended to every script: Redis' own clock, the only one that decides what is due.
local LOOK_MS = 1000   -- the watchdog looks at every open run this often
local PUT_OFF = 10000000000000   -- added to the score of a run in the outbox that waits for its time
local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

