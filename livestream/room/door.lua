-- Door: may these comments in, and how many of them may be shown?
--
-- KEYS[1]   hash of the room's display budget: tokens, at (seconds)
-- KEYS[2..] one counter a viewer, for the present window
-- ARGV[1]   display rate, comments a second; also the most that is saved up
-- ARGV[2]   most comments of one viewer in a window
-- ARGV[3]   length of the window, seconds
-- ARGV[4..] two of each viewer: comments in this batch, and 1 if they need the budget, 0 if they are shown anyhow
-- Returns   { budget left for this batch, then per viewer how many are over the limit }
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local rate = tonumber(ARGV[1])
local burst = math.max(rate, 1)
local saved = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens = burst
if saved[1] then
  tokens = math.min(burst, tonumber(saved[1]) + (now - tonumber(saved[2])) * rate)
end
local answer = { 0 }
local wanted = 0
for i = 2, #KEYS do
  local count = tonumber(ARGV[2 * i])
  local total = redis.call('INCRBY', KEYS[i], count)
  if total == count then redis.call('EXPIRE', KEYS[i], ARGV[3]) end
  local over = math.min(count, math.max(0, total - tonumber(ARGV[2])))
  answer[i] = over
  wanted = wanted + (count - over) * tonumber(ARGV[2 * i + 1])
end
local granted = math.min(wanted, math.floor(tokens))
answer[1] = granted
redis.call('HSET', KEYS[1], 'tokens', tostring(tokens - granted), 'at', tostring(now))
redis.call('EXPIRE', KEYS[1], 60)
return answer
