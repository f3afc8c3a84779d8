-- Removes a record and its lease.
-- KEYS[1]  hash: id -> record
-- KEYS[2]  sorted set: id by the time its lease ends
-- ARGV[1]  channel that hears of changes
-- ARGV[2]  id
-- returns  1 if the record was there, else 0
local removed = redis.call('HDEL', KEYS[1], ARGV[2])
redis.call('ZREM', KEYS[2], ARGV[2])
if removed == 1 then
  redis.call('PUBLISH', ARGV[1], ARGV[2])
end
return removed
