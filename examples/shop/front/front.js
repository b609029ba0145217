'use strict';
// front: the shop's one door. GET / is the storefront as HTML; the rest goes to the service behind.
// Only what customers may call is passed on; trace context, baggage and bodies go through unchanged.
// Node 18 or later, no packages.

const crypto = require('node:crypto');
const fs = require('node:fs');
const http = require('node:http');
const zlib = require('node:zlib');

const EXIT_ADDRESS_IN_USE = 98;
const UPSTREAM_TIMEOUT_MS = 10_000;
const PAGE_TTL_MS = 1_000;
const MAX_BODY = 64 * 1024;
const TRACEPARENT = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})$/;
const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization',
  'te', 'trailer', 'transfer-encoding', 'upgrade', 'proxy-connection']);

const ID = '[0-9A-Za-z-]{1,64}';
const ROUTES = [
  ['POST', /^\/(login|logout)$/, 'accounts'],
  ['GET', /^\/me$/, 'accounts'],
  ['GET', /^\/(products|categories)$/, 'catalog'],
  ['GET', new RegExp(`^/products/${ID}$`), 'catalog'],
  ['POST', /^\/orders$/, 'orders'],
  ['GET', /^\/orders$/, 'orders'],
  ['GET', new RegExp(`^/orders/${ID}(/events)?$`), 'orders'],
  ['DELETE', new RegExp(`^/orders/${ID}$`), 'orders'],
  ['POST', new RegExp(`^/pay/${ID}$`), 'pay'],
];
const SERVICES = ['accounts', 'catalog', 'orders', 'pay'];
const upstream = Object.fromEntries(
  SERVICES.map((name) => [name, new URL(process.env[`SHOP_URL_${name.toUpperCase()}`])]));
// Idle connections end here before they end at the services, which keep them for 30 s and longer.
const agent = new http.Agent({ keepAlive: true, maxSockets: 512, maxFreeSockets: 128, timeout: 20_000 });
const accessLog = process.env.SHOP_ACCESS_LOG === '1';
const started = Date.now();
const fault = { latency_ms: 0, error_rate: 0 };
let page = { until: 0, html: null };

function traceOf(headers) {
  const found = TRACEPARENT.exec(headers.traceparent ?? '');
  const span = crypto.randomBytes(8).toString('hex');
  return found
    ? { id: found[1], parent: found[2], flags: found[3], span }
    : { id: crypto.randomBytes(16).toString('hex'), parent: '', flags: '00', span };
}

function traceparent(trace) {
  return `00-${trace.id}-${trace.span}-${trace.flags}`;
}

function sendJson(response, status, value, headers = {}) {
  const body = Buffer.from(JSON.stringify(value));
  response.writeHead(status, { 'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': body.length, ...headers });
  response.end(body);
}

function refuse(response, status, error, message, headers) {
  if (response.headersSent) {
    response.destroy();
  } else {
    sendJson(response, status, { error, message }, headers);
  }
}

function routeOf(method, path) {
  const wanted = method === 'HEAD' ? 'GET' : method;
  const fitting = ROUTES.filter(([, pattern]) => pattern.test(path));
  const route = fitting.find(([allowed]) => allowed === wanted);
  return { service: route?.[2], allowed: fitting.map(([allowed]) => allowed) };
}

function passedOn(headers) {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP_BY_HOP.has(name)));
}

// Sends the request on and the answer back. A request without a body that met a connection which the
// service had just closed is sent once more.
function proxy(request, response, service, trace, attempt = 1) {
  const target = upstream[service];
  const headers = passedOn(request.headers);
  headers.host = target.host;
  headers.traceparent = traceparent(trace);
  headers['x-forwarded-for'] = request.socket.remoteAddress ?? '';
  const out = http.request({ agent, host: target.hostname, port: target.port, method: request.method,
    path: request.url, headers });
  const streaming = request.url.endsWith('/events');
  if (!streaming) out.setTimeout(UPSTREAM_TIMEOUT_MS, () => out.destroy(new Error('timeout')));
  const hasBody = 'transfer-encoding' in request.headers
    || Number(request.headers['content-length'] ?? 0) > 0;
  out.on('response', (answer) => {
    if (streaming) answer.socket.setTimeout(0);
    response.writeHead(answer.statusCode, passedOn(answer.headers));
    answer.pipe(response);
    answer.on('aborted', () => response.destroy());
    response.on('close', () => answer.destroy());
  });
  out.on('error', (error) => {
    if (response.destroyed) return;
    if (out.reusedSocket && !hasBody && attempt === 1 && !response.headersSent
        && error.code === 'ECONNRESET') {
      proxy(request, response, service, trace, 2);
    } else if (error.message === 'timeout') {
      refuse(response, 504, 'timeout', `${service} did not answer in time`);
    } else {
      refuse(response, 502, 'unavailable', `${service}: ${error.code ?? error.message}`,
        { 'Retry-After': '1' });
    }
  });
  response.on('close', () => { if (!response.writableFinished) out.destroy(); });
  if (hasBody) request.pipe(out);
  else out.end();
}

function fetchJson(service, path, headers, timeout) {
  const target = upstream[service];
  return new Promise((resolve, reject) => {
    const out = http.get({ agent, host: target.hostname, port: target.port, path, headers }, (answer) => {
      const parts = [];
      answer.on('data', (part) => parts.push(part));
      answer.on('error', reject);
      answer.on('end', () => {
        try {
          resolve({ status: answer.statusCode, body: JSON.parse(Buffer.concat(parts).toString()) });
        } catch (error) {
          reject(error);
        }
      });
    });
    out.setTimeout(timeout, () => out.destroy(new Error('timeout')));
    out.on('error', reject);
  });
}

function escaped(text) {
  return String(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}

function html(items, total) {
  const rows = items.map((item) => `
    <tr class="product" data-sku="${escaped(item.sku)}">
      <td class="name"><a href="/products/${escaped(item.sku)}">${escaped(item.name)}</a></td>
      <td class="category">${escaped(item.category)}</td>
      <td class="price">${item.price.toFixed(2)}</td>
      <td class="stock">${item.stock}</td>
    </tr>`).join('');
  return `<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>The sample shop</title><meta name="generator" content="front"></head>
<body>
  <h1>The sample shop</h1>
  <form id="login" action="/login" method="post">
    <input name="user"><input name="pass" type="password">
    <input type="hidden" name="form" value="${crypto.randomBytes(8).toString('hex')}">
  </form>
  <p id="total" data-total="${total}">${total} products</p>
  <table id="products"><tbody>${rows}
  </tbody></table>
</body>
</html>
`;
}

async function storefront(request, response, trace) {
  if (Date.now() >= page.until) {
    const headers = { traceparent: traceparent(trace) };
    for (const name of ['tracestate', 'baggage']) {
      if (request.headers[name]) headers[name] = request.headers[name];
    }
    const { status, body } = await fetchJson('catalog', '/products?size=20', headers, UPSTREAM_TIMEOUT_MS);
    if (status !== 200) throw new Error(`catalog answered ${status}`);
    page = { until: Date.now() + PAGE_TTL_MS, html: html(body.items, body.total) };
  }
  const headers = { 'Content-Type': 'text/html; charset=utf-8', Vary: 'Accept-Encoding',
    'Cache-Control': 'max-age=1' };
  let body = Buffer.from(page.html);
  if (/\bgzip\b/.test(request.headers['accept-encoding'] ?? '')) {
    headers['Content-Encoding'] = 'gzip';
    body = zlib.gzipSync(body, { level: 1 });
  }
  response.writeHead(200, { ...headers, 'Content-Length': body.length });
  response.end(request.method === 'HEAD' ? undefined : body);
}

async function health(response) {
  const checks = Object.fromEntries(await Promise.all(SERVICES.map(async (name) => {
    try {
      const { status } = await fetchJson(name, '/health', {}, 2_000);
      return [name, status === 200 ? 'ok' : `down: ${status}`];
    } catch (error) {
      return [name, `down: ${error.code ?? error.message}`];
    }
  })));
  const healthy = Object.values(checks).every((state) => state === 'ok');
  sendJson(response, healthy ? 200 : 503, { service: 'front', status: healthy ? 'ok' : 'down', checks,
    uptime_s: Math.round((Date.now() - started) / 100) / 10 });
}

async function bodyOf(request) {
  const parts = [];
  let size = 0;
  for await (const part of request) {
    size += part.length;
    if (size > MAX_BODY) throw new Error('too large');
    parts.push(part);
  }
  return Buffer.concat(parts).toString();
}

function isLoopback(request) {
  const address = request.socket.remoteAddress ?? '';
  return (/^(::ffff:)?127\./.test(address) || address === '::1') && !request.headers['x-forwarded-for'];
}

function faultFrom(text) {
  let wanted;
  try {
    wanted = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof wanted !== 'object' || wanted === null) return null;
  const { latency_ms: latency = 0, error_rate: rate = 0, ...unknown } = wanted;
  const good = typeof latency === 'number' && latency >= 0 && latency <= 60_000
    && typeof rate === 'number' && rate >= 0 && rate <= 1 && Object.keys(unknown).length === 0;
  return good ? { latency_ms: latency, error_rate: rate } : null;
}

async function faultSwitch(request, response) {
  if (!isLoopback(request)) {
    refuse(response, 403, 'not-local', 'the fault switch answers to loopback only');
    return;
  }
  if (request.method === 'POST') {
    const wanted = faultFrom(await bodyOf(request));
    if (!wanted) {
      refuse(response, 400, 'bad-fault', 'latency_ms is 0..60000, error_rate is 0..1');
      return;
    }
    Object.assign(fault, wanted);
  } else if (request.method === 'DELETE') {
    Object.assign(fault, { latency_ms: 0, error_rate: 0 });
  }
  sendJson(response, 200, fault);
}

async function handle(request, response, trace) {
  const path = request.url.split('?', 1)[0];
  if (path === '/health') return health(response);
  if (path === '/_fault') return faultSwitch(request, response);
  if (fault.latency_ms) await new Promise((resolve) => setTimeout(resolve, fault.latency_ms));
  if (Math.random() < fault.error_rate) {
    return refuse(response, 500, 'fault', 'a fault that was switched on');
  }
  if (path === '/' && ['GET', 'HEAD'].includes(request.method)) {
    return storefront(request, response, trace);
  }
  const { service, allowed } = routeOf(request.method, path);
  if (service) return proxy(request, response, service, trace);
  return allowed.length
    ? refuse(response, 405, 'method-not-allowed', `try ${allowed.join(', ')}`, { Allow: allowed.join(', ') })
    : refuse(response, 404, 'not-found', `there is nothing at ${path}`);
}

function log(request, response, trace, begin) {
  process.stdout.write(`${JSON.stringify({ t: Date.now() / 1000, service: 'front',
    method: request.method, path: request.url.split('?', 1)[0], status: response.statusCode,
    ms: Math.round((performance.now() - begin) * 100) / 100, trace: trace.id, span: trace.span,
    parent: trace.parent })}\n`);
}

const server = http.createServer((request, response) => {
  const trace = traceOf(request.headers);
  const begin = performance.now();
  response.setHeader('X-Trace-Id', trace.id);
  if (accessLog) response.on('close', () => log(request, response, trace, begin));
  handle(request, response, trace).catch((error) => {
    refuse(response, 502, 'unavailable', error.code ?? error.message, { 'Retry-After': '1' });
  });
});
server.keepAliveTimeout = 75_000;
server.on('error', (error) => {
  process.stderr.write(`front: ${error.message}\n`);
  process.exit(error.code === 'EADDRINUSE' ? EXIT_ADDRESS_IN_USE : 1);
});
server.listen({ host: '127.0.0.1', port: Number(process.env.SHOP_PORT), backlog: 1024 }, () => {
  fs.writeSync(Number(process.env.SHOP_READY_FD), 'ready\n');
  fs.closeSync(Number(process.env.SHOP_READY_FD));
});

function stop() {
  server.close(() => process.exit(0));
  server.closeIdleConnections();
  setTimeout(() => process.exit(0), 1_000).unref();
}
process.on('SIGTERM', stop);
process.on('SIGINT', stop);
