"""
The book's rules as Redis runs them: one round trip for each, and nothing comes between its steps.

By Redis's clock, so that machines need not agree on the time. Milliseconds throughout.
"""

# KEYS: failures, open and probe of the endpoint, then the pauses, then the windows.
# ARGV: failures that break an endpoint, how long a probe counts, how many pauses; then limit and length
# of each window. Answers {0, failures, is_probe}, {1, index, left, code}, {2, index, left} or {3, left}.
ASK = """
local threshold, probe_ms, pauses = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])

local longest, which = 0, 0
for index = 1, pauses do
  local left = redis.call('PTTL', KEYS[3 + index])
  if left > longest then longest, which = left, index end
end
if longest > 0 then return {1, which - 1, longest, redis.call('GET', KEYS[3 + which]) or ''} end

local left = redis.call('PTTL', KEYS[2])
if left > 0 then return {3, left} end
local failures = tonumber(redis.call('GET', KEYS[1]) or '0')
local is_probe = threshold > 0 and failures >= threshold
if is_probe then
  left = redis.call('PTTL', KEYS[3])
  if left > 0 then return {3, math.min(left, 1000)} end
end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
longest, which = 0, 0
for index = 1, #KEYS - 3 - pauses do
  local limit, length = tonumber(ARGV[2 + 2 * index]), tonumber(ARGV[3 + 2 * index])
  local oldest = redis.call('LINDEX', KEYS[3 + pauses + index], limit - 1)
  left = oldest and tonumber(oldest) + length - now or 0
  if left > longest then longest, which = left, index end
end
if longest > 0 then return {2, which - 1, longest} end

for index = 1, #KEYS - 3 - pauses do
  local key, limit, length = KEYS[3 + pauses + index], ARGV[2 + 2 * index], ARGV[3 + 2 * index]
  redis.call('LPUSH', key, string.format('%.0f', now))
  redis.call('LTRIM', key, 0, limit - 1)
  redis.call('PEXPIRE', key, length)
end
if is_probe then redis.call('SET', KEYS[3], '1', 'PX', probe_ms) end
return {0, failures, is_probe and 1 or 0}
"""

# KEYS: the pause, how many there were shortly before. ARGV: its length, code, the longest that it grows to,
# how long it is remembered. Answers how long the name rests.
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
return string.format('%.0f', math.max(wanted, left))
"""

# KEYS: failures, open and probe of the endpoint, the endpoints left alone. ARGV: failures that break it,
# how long it is left alone, whether this was the probe, how long failures count, its name. Answers 1 when
# it breaks.
FAILURE = """
local failures = redis.call('INCR', KEYS[1])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
if ARGV[3] == '1' then redis.call('DEL', KEYS[3]) end
local threshold = tonumber(ARGV[1])
if threshold == 0 or failures < threshold or redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
redis.call('SET', KEYS[2], '1', 'PX', ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[4], '-inf', string.format('%.0f', now))
redis.call('ZADD', KEYS[4], string.format('%.0f', now + ARGV[2]), ARGV[5])
redis.call('EXPIRE', KEYS[4], 3600)
return 1
"""

# KEYS: failures, open and probe of the endpoint, the endpoints left alone. ARGV: its name.
SUCCESS = """
redis.call('DEL', KEYS[1], KEYS[2], KEYS[3])
redis.call('ZREM', KEYS[4], ARGV[1])
return 1
"""

# KEYS: the pause of everything, the endpoints left alone. Answers {left, names}.
STATE = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local names = redis.call('ZRANGEBYSCORE', KEYS[2], string.format('%.0f', now), '+inf')
return {math.max(0, redis.call('PTTL', KEYS[1])), names}
"""
