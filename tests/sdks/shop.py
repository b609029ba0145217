"""A service with OpenTelemetry's Python SDK. ROUNDS requests (1), each a server span with a query and a
call of NEXT (a command that continues the trace, or nothing). Spans go to OTLP_GRPC, or to OTLP_HTTP; metrics to
METRICS, if that is set."""
import os
import random
import shlex
import subprocess

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator


def exporter():
    if "OTLP_GRPC" in os.environ:
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
        return OTLPSpanExporter(endpoint=os.environ["OTLP_GRPC"], insecure=True)
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    return OTLPSpanExporter(endpoint=os.environ["OTLP_HTTP"])


def measure(resource):
    """Every kind of instrument, sent at once: cumulative by gRPC, delta by HTTP."""
    from opentelemetry.metrics import Observation
    from opentelemetry.sdk import metrics
    from opentelemetry.sdk.metrics.export import AggregationTemporality, PeriodicExportingMetricReader
    from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
    if os.environ["METRICS"].endswith("/v1/metrics"):
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
        exporter_of_metrics = OTLPMetricExporter(
            endpoint=os.environ["METRICS"],
            preferred_temporality={metrics.Counter: AggregationTemporality.DELTA,
                                   metrics.Histogram: AggregationTemporality.DELTA})
    else:
        from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
        exporter_of_metrics = OTLPMetricExporter(endpoint=os.environ["METRICS"], insecure=True)
    provider = metrics.MeterProvider(
        [PeriodicExportingMetricReader(exporter_of_metrics, 60_000)], resource,
        views=[View(instrument_name="shop.price", aggregation=ExponentialBucketHistogramAggregation())])
    meter = provider.get_meter("shop", "1.4.0")
    orders = meter.create_counter("shop.orders", "{order}")
    queue = meter.create_up_down_counter("shop.queue", "{order}")
    took = meter.create_histogram("shop.took", "ms")
    price = meter.create_histogram("shop.price", "EUR")
    meter.create_observable_gauge("shop.stock", [lambda _: [Observation(17)]], "{item}")
    for i in range(100):
        orders.add(1, {"route": "/orders" if i % 4 else "/returns"})
        queue.add(1 if i % 2 else -1)
        took.record(i)
        price.record(1 + i)
    provider.shutdown()


def request(tracer, dice):
    item = dice.randrange(100_000)
    with tracer.start_as_current_span("POST /orders", kind=trace.SpanKind.SERVER, attributes={
            "http.request.method": "POST", "http.route": "/orders", "url.path": "/orders",
            "server.address": "shop.local", "server.port": 8080, "user.id": f"u{item % 5000}",
            "http.response.status_code": 201}) as server:
        with tracer.start_as_current_span("SELECT items", kind=trace.SpanKind.CLIENT, attributes={
                "db.system.name": "postgresql", "db.namespace": "shop",
                "db.query.text": f"SELECT price, stock FROM items WHERE id = {item}"}):
            pass
        if dice.randrange(20) == 0:
            try:
                raise ValueError(f"no stock of item {item}")
            except ValueError as error:
                server.record_exception(error)
                server.set_status(trace.StatusCode.ERROR, str(error))
        with tracer.start_as_current_span("POST", kind=trace.SpanKind.CLIENT, attributes={
                "http.request.method": "POST", "peer.service": "stock",
                "url.full": f"http://stock.local/reserve/{item}"}):
            if "NEXT" in os.environ:
                carrier = {}
                TraceContextTextMapPropagator().inject(carrier)
                subprocess.run(shlex.split(os.environ["NEXT"]), check=True,
                               env={**os.environ, "TRACEPARENT": carrier["traceparent"]})
    return server.get_span_context().trace_id


def main():
    resource = Resource.create({"service.name": "shop", "service.version": "1.4.0",
                                "deployment.environment.name": "test"})
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(exporter(), max_queue_size=1 << 20))
    tracer = provider.get_tracer("shop", "1.4.0")
    dice = random.Random(7)
    for _ in range(int(os.environ.get("ROUNDS", "1"))):
        trace_id = request(tracer, dice)
    provider.shutdown()
    if "METRICS" in os.environ:
        measure(resource)
    print(f"{trace_id:032x}", flush=True)


main()
