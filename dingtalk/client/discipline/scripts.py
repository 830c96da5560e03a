"""
The book's rules as Redis runs them: one round trip for each, and nothing comes between its steps.

By Redis's clock, so that machines need not agree on the time. Milliseconds throughout.
"""

# KEYS: failures, open and probe of the endpoint, the same of the endpoint for the party (or of the endpoint
# once more), that the address was blocked and the probe after it, then the pauses, the widest first, then the
# windows. ARGV: failures that break an endpoint, how long a probe counts, how many pauses; then limit and
# length of each window. Answers {0, failures, is_probe}, {1, index, left, code}, {2, index, left} or
# {3, left, for_party}.
ASK = """
local threshold, probe_ms, pauses = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])

local longest, which = 0, 0
for index = 1, pauses do
  local left = redis.call('PTTL', KEYS[8 + index])
  if left > longest then longest, which = left, index end
end
if longest > 0 then return {1, which - 1, longest, redis.call('GET', KEYS[8 + which]) or ''} end

local left, failures, is_probe = 0, 0, false
if redis.call('EXISTS', KEYS[7]) == 1 then
  is_probe = true
  left = redis.call('PTTL', KEYS[8])
  if left > 0 then return {1, 0, math.min(left, 1000), redis.call('GET', KEYS[7])} end
end
for first = 1, 4, 3 do
  left = redis.call('PTTL', KEYS[first + 1])
  if left > 0 then return {3, left, first > 1 and 1 or 0} end
  local of_this = tonumber(redis.call('GET', KEYS[first]) or '0')
  failures = math.max(failures, of_this)
  if threshold > 0 and of_this >= threshold then
    is_probe = true
    left = redis.call('PTTL', KEYS[first + 2])
    if left > 0 then return {3, math.min(left, 1000), first > 1 and 1 or 0} end
  end
end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
longest, which = 0, 0
for index = 1, #KEYS - 8 - pauses do
  local limit, length = tonumber(ARGV[2 + 2 * index]), tonumber(ARGV[3 + 2 * index])
  local oldest = redis.call('LINDEX', KEYS[8 + pauses + index], limit - 1)
  left = oldest and tonumber(oldest) + length - now or 0
  if left > longest then longest, which = left, index end
end
if longest > 0 then return {2, which - 1, longest} end

for index = 1, #KEYS - 8 - pauses do
  local key, limit, length = KEYS[8 + pauses + index], ARGV[2 + 2 * index], ARGV[3 + 2 * index]
  redis.call('LPUSH', key, string.format('%.0f', now))
  redis.call('LTRIM', key, 0, limit - 1)
  redis.call('PEXPIRE', key, length)
end
for first = 1, 4, 3 do
  if threshold > 0 and tonumber(redis.call('GET', KEYS[first]) or '0') >= threshold then
    redis.call('SET', KEYS[first + 2], '1', 'PX', probe_ms)
  end
end
if redis.call('EXISTS', KEYS[7]) == 1 then redis.call('SET', KEYS[8], '1', 'PX', probe_ms) end
return {0, failures, is_probe and 1 or 0}
"""

# KEYS: the pause, how many there were shortly before; for a blocked address that it was blocked, and the
# probe after it. ARGV: its length, code, the longest that it grows to, how long it is remembered, how long
# that the address was blocked. Answers how long the name rests.
PAUSE = """
local wanted, longest = tonumber(ARGV[1]), tonumber(ARGV[3])
local left = redis.call('PTTL', KEYS[1])
if left <= 0 then
  local before = tonumber(redis.call('GET', KEYS[2]) or '0')
  wanted = math.max(wanted, math.min(longest, wanted * 2 ^ math.min(before, 16)))
  redis.call('SET', KEYS[2], before + 1, 'PX', string.format('%.0f', wanted + ARGV[4]))
end
if wanted > left then
  redis.call('SET', KEYS[1], ARGV[2], 'PX', string.format('%.0f', wanted))
end
wanted = math.max(wanted, left)
if KEYS[3] then
  redis.call('SET', KEYS[3], ARGV[2], 'PX', string.format('%.0f', wanted + ARGV[5]))
  redis.call('DEL', KEYS[4])
end
return string.format('%.0f', wanted)
"""

# KEYS: failures, open and probe of the endpoint, the same for the party, the endpoints left alone. ARGV:
# failures that break it, how long it is left alone, whether this was the probe, how long failures count, its
# name, how many failures of a party count for all (0: no party is known). Answers 1 when it breaks for all.
FAILURE = """
local threshold, of_party = tonumber(ARGV[1]), tonumber(ARGV[6])

local function count(first)
  local failures = redis.call('INCR', KEYS[first])
  redis.call('PEXPIRE', KEYS[first], ARGV[4])
  return failures
end

local function breaks(first)
  if ARGV[3] == '1' then redis.call('DEL', KEYS[first + 2]) end
  local failures = tonumber(redis.call('GET', KEYS[first]) or '0')
  if threshold == 0 or failures < threshold then return false end
  if redis.call('EXISTS', KEYS[first + 1]) == 1 then return false end
  redis.call('SET', KEYS[first + 1], '1', 'PX', ARGV[2])
  return true
end

local counts_for_all = true
if of_party > 0 then
  counts_for_all = count(4) <= of_party
  breaks(4)
end
if counts_for_all then count(1) end
if not breaks(1) then return 0 end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[7], '-inf', string.format('%.0f', now))
redis.call('ZADD', KEYS[7], string.format('%.0f', now + ARGV[2]), ARGV[5])
redis.call('EXPIRE', KEYS[7], 3600)
return 1
"""

# KEYS: failures, open and probe of the endpoint, the same for the party, that the address was blocked and the
# probe after it, the endpoints left alone. ARGV: its name.
SUCCESS = """
redis.call('DEL', unpack(KEYS, 1, 8))
redis.call('ZREM', KEYS[9], ARGV[1])
return 1
"""

# KEYS: the pause of everything, the endpoints left alone. Answers {left, names}.
STATE = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local names = redis.call('ZRANGEBYSCORE', KEYS[2], string.format('%.0f', now), '+inf')
return {math.max(0, redis.call('PTTL', KEYS[1])), names}
"""
