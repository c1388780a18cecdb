-- Door: may these comments in, and how many of them may be shown?
--
-- KEYS[1]         hash of the room's display budget: tokens, at (seconds)
-- KEYS[2..n+1]    one counter a viewer, for the present window
-- KEYS[n+2..2n+1] one mark a viewer who has spoken within the slow mode's time
-- ARGV[1]         display rate, comments a second
-- ARGV[2], [3]    reserve, and most tokens saved up (see sampling.py)
-- ARGV[4], [5]    most comments of one viewer in a window; its length, seconds
-- ARGV[6]         slow mode, ms between two comments of one viewer; 0: off
-- ARGV[7..]       six of each viewer: comments as buyer, question, first, rest; those that are not to be shown;
--                 and 1 for staff, whom nothing limits
-- Returns         { granted as buyer, question, first, rest; per viewer: how many are over a limit, ms to wait }
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local rate, reserve, most = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local viewers = (#KEYS - 1) / 2
local saved = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens = most
if saved[1] then
  tokens = math.min(most, tonumber(saved[1]) + (now - tonumber(saved[2])) * rate)
end
local answer = { 0, 0, 0, 0 }
local wanted = { 0, 0, 0, 0 }
for i = 1, viewers do
  local base = 6 + 6 * (i - 1)
  local wants, count = {}, tonumber(ARGV[base + 5])
  for c = 1, 4 do
    wants[c] = tonumber(ARGV[base + c])
    count = count + wants[c]
  end
  local over, wait = 0, 0
  if ARGV[base + 6] == '0' then
    local total = redis.call('INCRBY', KEYS[i + 1], count)
    if total == count then redis.call('EXPIRE', KEYS[i + 1], ARGV[5]) end
    over = math.min(count, math.max(0, total - tonumber(ARGV[4])))
    if over > 0 then wait = 5000 end
    if ARGV[6] ~= '0' and over < count then
      local key = KEYS[viewers + 1 + i]
      if redis.call('SET', key, '1', 'NX', 'PX', ARGV[6]) then
        over = count - 1
        if over > 0 then wait = tonumber(ARGV[6]) end
      else
        over, wait = count, redis.call('PTTL', key)
      end
    end
    local cut = over
    for c = 4, 1, -1 do
      local less = math.min(cut, wants[c])
      wants[c], cut = wants[c] - less, cut - less
    end
    for c = 1, 4 do wanted[c] = wanted[c] + wants[c] end
  end
  answer[4 + 2 * i - 1], answer[4 + 2 * i] = over, wait
end
for c = 1, 4 do
  local granted = math.max(0, math.min(wanted[c], math.floor(tokens - reserve * (c - 1) / 3)))
  tokens = tokens - granted
  answer[c] = granted
end
redis.call('HSET', KEYS[1], 'tokens', tostring(tokens), 'at', tostring(now))
redis.call('EXPIRE', KEYS[1], 60)
return answer
