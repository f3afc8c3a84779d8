-- Drops the records whose lease has ended and gives the others.
-- KEYS[1]  hash: id -> record
-- KEYS[2]  sorted set: id by the time its lease ends, in milliseconds of the server's clock
-- returns  flat list: id, record, id, record, ...
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now)) do
  redis.call('HDEL', KEYS[1], id)
  redis.call('ZREM', KEYS[2], id)
end
return redis.call('HGETALL', KEYS[1])
