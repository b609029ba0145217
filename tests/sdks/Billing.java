import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.propagation.TextMapGetter;
import io.opentelemetry.exporter.otlp.http.trace.OtlpHttpSpanExporter;
import io.opentelemetry.sdk.resources.Resource;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.export.BatchSpanProcessor;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** A service with OpenTelemetry's Java SDK, OTLP/HTTP with gzip. ROUNDS requests (1), each continuing TRACEPARENT. */
public class Billing {
  private static final TextMapGetter<Map<String, String>> GETTER = new TextMapGetter<>() {
    @Override public Iterable<String> keys(Map<String, String> carrier) { return carrier.keySet(); }
    @Override public String get(Map<String, String> carrier, String key) { return carrier.get(key); }
  };

  public static void main(String[] arguments) {
    Resource resource = Resource.getDefault().merge(Resource.create(Attributes.of(
        AttributeKey.stringKey("service.name"), "billing",
        AttributeKey.stringKey("service.version"), "0.9")));
    SdkTracerProvider provider = SdkTracerProvider.builder().setResource(resource)
        .addSpanProcessor(BatchSpanProcessor.builder(OtlpHttpSpanExporter.builder()
            .setEndpoint(System.getenv("OTLP_HTTP")).setCompression("gzip").build())
            .setMaxQueueSize(1 << 20).build())
        .build();
    Tracer tracer = provider.get("billing", "0.9");
    String parent = System.getenv().getOrDefault("TRACEPARENT", "");
    Context context = W3CTraceContextPropagator.getInstance()
        .extract(Context.root(), Map.of("traceparent", parent), GETTER);
    int rounds = Integer.parseInt(System.getenv().getOrDefault("ROUNDS", "1"));
    for (int round = 1; round <= rounds; ++round) {
      request(tracer, context, round);
      if (round % 2000 == 0) provider.forceFlush().join(60, TimeUnit.SECONDS);
    }
    provider.shutdown().join(60, TimeUnit.SECONDS);
  }

  private static void request(Tracer tracer, Context parent, int round) {
    Span server = tracer.spanBuilder("Billing/Charge").setParent(parent).setSpanKind(SpanKind.SERVER)
        .setAttribute("rpc.system", "grpc").setAttribute("rpc.service", "Billing")
        .setAttribute("rpc.method", "Charge").setAttribute("thread.name", "grpc-" + round % 32)
        .setAttribute("order.total", 12.5 + round % 400).startSpan();
    Context inside = parent.with(server);
    Span insert = tracer.spanBuilder("INSERT payments").setParent(inside).setSpanKind(SpanKind.CLIENT)
        .setAttribute("db.system.name", "mysql").setAttribute("db.namespace", "billing")
        .setAttribute("db.query.text", "INSERT INTO payments (id, total) VALUES (" + round * 31L + ", 12.5)")
        .startSpan();
    if (round % 25 == 0) {
      insert.recordException(new IllegalStateException("deadlock found, try again " + round));
      insert.setStatus(StatusCode.ERROR, "deadlock");
    }
    insert.end();
    server.end();
  }
}
