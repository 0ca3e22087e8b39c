-- Redis' own clock: the only one that decides what is due. Prepended to every script.
local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
