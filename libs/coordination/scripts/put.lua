-- Writes a record under a lease, or renews the lease of one that is there.
-- KEYS[1]  hash: id -> record
-- KEYS[2]  sorted set: id by the time its lease ends, in milliseconds of the server's clock
-- ARGV[1]  channel that hears of changes
-- ARGV[2]  id
-- ARGV[3]  record
-- ARGV[4]  lease in milliseconds
-- returns  1 if the record is new or differs from the one before, else 0
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local changed = redis.call('HGET', KEYS[1], ARGV[2]) ~= ARGV[3]
redis.call('HSET', KEYS[1], ARGV[2], ARGV[3])
redis.call('ZADD', KEYS[2], now + ARGV[4], ARGV[2])
if changed then
  redis.call('PUBLISH', ARGV[1], ARGV[2])
end
return changed and 1 or 0
