-- The scenario's shape in wrk: URL and body built for each request, a header, the status and a
-- value of the JSON body looked at for each response.
local random, format = math.random, string.format
local failed = 0

function request()
  local user = random(10000)
  local body = format('{"user":%d,"item":"sku-%d","qty":%d}', user, random(99999), random(7))
  return wrk.format("POST", format("/api/order/%d?u=%d", user, random(100000)),
    {["Content-Type"] = "application/json", ["X-Request-Source"] = "bench"}, body)
end

function response(status, headers, body)
  local id = string.match(body, '"id":"([^"]+)"')
  if status ~= 200 or not id or #id == 0 then failed = failed + 1 end
end
