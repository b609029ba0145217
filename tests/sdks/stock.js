// A service with OpenTelemetry's Node SDK, OTLP/HTTP with protobuf or, where OTLP_JSON is set, with JSON.
// ROUNDS requests (1), each continuing TRACEPARENT where there is one; NEXT is a command that goes on with it.
const { execSync } = require('node:child_process');
const api = require('@opentelemetry/api');
const { resourceFromAttributes } = require('@opentelemetry/resources');
const { NodeTracerProvider, BatchSpanProcessor } = require('@opentelemetry/sdk-trace-node');
const { OTLPTraceExporter } = process.env.OTLP_JSON
  ? require('@opentelemetry/exporter-trace-otlp-http')
  : require('@opentelemetry/exporter-trace-otlp-proto');

const provider = new NodeTracerProvider({
  resource: resourceFromAttributes({ 'service.name': 'stock', 'service.version': '2.0.1', 'host.name': 'stock-1' }),
  spanProcessors: [
    new BatchSpanProcessor(new OTLPTraceExporter({ url: process.env.OTLP_HTTP }), {
      maxQueueSize: 1 << 20,
      maxExportBatchSize: 512,
    }),
  ],
});
provider.register();
const tracer = provider.getTracer('stock', '2.0.1');

function request(round) {
  const parent = api.propagation.extract(api.ROOT_CONTEXT, { traceparent: process.env.TRACEPARENT });
  const item = (round * 7919) % 100000;
  const server = tracer.startSpan(
    'POST /reserve/{item}',
    {
      kind: api.SpanKind.SERVER,
      attributes: {
        'http.request.method': 'POST',
        'http.route': '/reserve/{item}',
        'url.path': `/reserve/${item}`,
        'user_agent.original': 'python-requests/2.31',
        'http.response.status_code': 200,
        'stock.shelves': ['a1', 'b2'],
      },
    },
    parent,
  );
  api.context.with(api.trace.setSpan(parent, server), () => {
    const get = tracer.startSpan('HGET', {
      kind: api.SpanKind.CLIENT,
      attributes: { 'db.system.name': 'redis', 'db.query.text': `HGET stock ${item}`, 'server.port': 6379 },
    });
    get.addEvent('miss', { key: `stock:${item}` });
    get.end();
    const call = tracer.startSpan('charge', {
      kind: api.SpanKind.CLIENT,
      attributes: { 'rpc.system': 'grpc', 'rpc.service': 'Billing', 'rpc.method': 'Charge', 'peer.service': 'billing' },
    });
    if (process.env.NEXT) {
      const carrier = {};
      api.propagation.inject(api.trace.setSpan(api.context.active(), call), carrier);
      execSync(process.env.NEXT, { env: { ...process.env, NEXT: '', TRACEPARENT: carrier.traceparent }, stdio: 'inherit' });
    }
    call.end();
  });
  server.end();
}

async function main() {
  const rounds = Number(process.env.ROUNDS ?? 1);
  for (let round = 1; round <= rounds; ++round) {
    request(round);
    if (round % 2000 === 0) await provider.forceFlush();
  }
  await provider.shutdown();
}

main();
