// The scenario's shape in k6: URL and body built for each request, a header, a value taken from the
// JSON body, two checks and a threshold.
import http from "k6/http";
import { check } from "k6";

export const options = {
  vus: 64,
  duration: __ENV.DURATION,
  thresholds: { http_req_duration: ["p(99)<5000"] },
};
const base = __ENV.URL;
const params = { headers: { "Content-Type": "application/json", "X-Request-Source": "bench" } };

export default function () {
  const user = Math.floor(Math.random() * 10000);
  const body = JSON.stringify({
    user: user,
    item: `sku-${Math.floor(Math.random() * 99999)}`,
    qty: Math.floor(Math.random() * 7),
  });
  const response = http.post(
    `${base}/api/order/${user}?u=${Math.floor(Math.random() * 100000)}`, body, params);
  const id = response.json("id");
  check(response, { "status is 200": (r) => r.status === 200, "has an id": () => id !== "" });
}
